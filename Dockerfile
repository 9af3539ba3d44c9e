# Two images from one file. By default one that loads and serves, without torch; with
# --build-arg EXTRAS=[learn,demo] one that also builds.
FROM python:3.12-slim-bookworm AS wheels
ARG EXTRAS=
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --prefix=/installed ".${EXTRAS}"

FROM python:3.12-slim-bookworm
RUN useradd --create-home --uid 1000 coterie && mkdir /shop && chown coterie /shop
COPY --from=wheels /installed /usr/local
USER coterie
ENV COTERIE_HOME=/shop
VOLUME /shop
EXPOSE 8000
ENTRYPOINT ["coterie"]
CMD ["serve", "--host", "0.0.0.0"]
