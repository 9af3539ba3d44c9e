"""A Neo4j community server on a free loopback port, from Java and Maven, without root or Docker.

``python tests/neo4j_server/server.py --home FOLDER`` runs one until it is interrupted. With a
command at the end it runs as long as that, which finds address and password in its environment.
The jars (144 MB) are resolved once into ``~/.cache/coterie``; ``COTERIE_CACHE`` moves that.

``COTERIE_NEO4J_VERSION`` runs another version than that of ``pom.xml``. Calendar versions (2025.01
and later) need Java 21 or newer: ``JAVA_HOME`` tells which, else the newest one installed is taken.

``--gds`` adds Graph Data Science (15 MB, GPL 3), resolved by ``gds.xml``; ``COTERIE_GDS_VERSION``
fits it to another version of the server.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

POM = Path(__file__).with_name("pom.xml")
GDS_POM = POM.with_name("gds.xml")
TESTED = re.findall("<neo4j.version>(.*)</neo4j.version>", POM.read_text())[0]
VERSION = os.environ.get("COTERIE_NEO4J_VERSION", TESTED)
TESTED_GDS = re.findall("<gds.version>(.*)</gds.version>", GDS_POM.read_text())[0]
GDS_VERSION = os.environ.get("COTERIE_GDS_VERSION", TESTED_GDS)
BY_CALENDAR = int(VERSION.split(".")[0]) >= 2025
NEEDED_JAVA = 21 if BY_CALENDAR else 17
MAIN = "org.neo4j.server." + ("Neo4jCommunity" if BY_CALENDAR else "CommunityEntryPoint")
USER = "neo4j"
HANDSHAKE = bytes.fromhex("6060b017") + bytes.fromhex("00000405") + bytes(12)
START_SECONDS = 120
_OPENS = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")
_FLAGS = (
    "-XX:+ExitOnOutOfMemoryError",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dlog4j2.disable.jmx=true",
    "--enable-native-access=ALL-UNNAMED",
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in _OPENS),
)
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
_CONFIG = """\
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.memory.heap.initial_size=256m
server.memory.pagecache.size=256m
server.directories.import=import
db.tx_log.rotation.retention_policy=100M size
dbms.usage_report.enabled=false
"""
_QUIET = "internal.dbms.bolt.netty_server_shutdown_quiet_period"
_NO_QUIET = {f"{_QUIET}_duration": "0s"} if BY_CALENDAR else {_QUIET: "0"}


def lacks() -> str:
    """What this machine lacks to run a server, or nothing."""
    return " and ".join(
        ([] if java() else [f"Java {NEEDED_JAVA} or newer"])
        + ([] if shutil.which("mvn") else ["Maven"])
    )


@cache
def java() -> str:
    """A Java that is new enough, or nothing: of ``JAVA_HOME``, of the path, or of the system."""
    places = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    installed = [str(home / "bin" / "java") for home in (*places, *Path("/usr/lib/jvm").glob("*"))]
    for tool in filter(shutil.which, ["java", *installed] if not places else installed):
        said = subprocess.run([tool, "-version"], capture_output=True, text=True).stderr
        version = re.findall(r'version "(\d+)', said)
        if version and int(version[0]) >= NEEDED_JAVA:
            return tool
    return ""


def jars() -> Path:
    """The folder of the server's jars; resolved by Maven the first time."""
    return _resolved(POM, f"neo4j-{VERSION}")


def gds_jars() -> Path:
    """The folder of the jars that Graph Data Science adds to the server's."""
    return _resolved(GDS_POM, f"neo4j-{VERSION}-gds-{GDS_VERSION}", jars())


def _resolved(pom: Path, name: str, less: Path | None = None) -> Path:
    """The folder ``name`` of what ``pom`` depends on, less what is in the folder ``less``."""
    cache = Path(os.environ.get("COTERIE_CACHE", "~/.cache/coterie")).expanduser()
    folder = cache / name
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=cache))
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        subprocess.run(
            [
                *("mvn", "-B", "-q", "-ntp", "-f", str(pom), *goal),
                *(f"-DoutputDirectory={aside}", f"-Dneo4j.version={VERSION}"),
                f"-Dgds.version={GDS_VERSION}",
            ],
            check=True,
        )
        for jar in less.glob("*.jar") if less else ():
            (aside / jar.name).unlink(missing_ok=True)
        try:
            aside.rename(folder)
        except OSError:  # another process was quicker
            shutil.rmtree(aside)
    return folder


def free_port() -> int:
    """A loopback port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A server with its own data folder and password; ``start`` starts it, again after a stop.

    Args:
        home: folder of its data, settings and logs; made if need be.
        heap: most memory of the Java heap.
        port: where to listen; a free one by default.
        quick: start sooner and run slower, as suits tests.
        settings: further lines of its settings file.
        gds: with Graph Data Science.
    """

    def __init__(
        self,
        home: Path,
        *,
        heap: str = "1g",
        port: int = 0,
        quick: bool = False,
        settings: dict[str, str] | None = None,
        gds: bool = False,
    ) -> None:
        self.home, self.port = home.absolute(), port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for folder in ("conf", "import", "logs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        lines = dict(line.split("=", 1) for line in _CONFIG.splitlines())
        self._classes = f"{jars()}/*"
        if gds:
            # Procedures are looked for in this folder, what starts them on the class path.
            lines["server.directories.plugins"] = str(gds_jars())
            lines["dbms.security.procedures.unrestricted"] = "gds.*"
            self._classes += f":{gds_jars()}/*"
        lines |= _NO_QUIET | {"server.memory.heap.max_size": heap, **(settings or {})}
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (self.home / "conf" / "neo4j.conf").write_text(text.format(port=self.port))
        # Neo4j's own launcher makes this of the setting; without it Java must be told.
        limit = f"-Xmx{lines['server.memory.heap.max_size']}"
        self._flags = (*_FLAGS, *(_QUICK if quick else ()), limit)
        self.password = self._password()

    @property
    def uri(self) -> str:
        """Its address, without the password."""
        return f"bolt://127.0.0.1:{self.port}"

    def _password(self) -> str:
        """The password of the user ``neo4j``: kept in ``home``, made up the first time."""
        file = self.home / "password"
        if not file.exists():
            password = secrets.token_urlsafe(12)
            admin = "org.neo4j.server.startup.Neo4jAdminCommand"
            self._java(admin, "dbms", "set-initial-password", "--", password).wait()
            file.write_text(password)
            file.chmod(0o600)
        return file.read_text()

    def _java(self, main: str, *arguments: str) -> subprocess.Popen[bytes]:
        places = {"NEO4J_HOME": str(self.home), "NEO4J_CONF": str(self.home / "conf")}
        with (self.home / "logs" / "out").open("ab") as out:
            return subprocess.Popen(
                [java(), "-cp", self._classes, *self._flags, main, *arguments],
                env={**os.environ, **places},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def start(self) -> Server:
        """Start it and wait until it answers."""
        places = (f"--home-dir={self.home}", f"--config-dir={self.home / 'conf'}")
        self._process = self._java(MAIN, *places)
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Neo4j did not start; see {self.home / 'logs' / 'out'}")
            time.sleep(0.1)
        return self

    def answers(self) -> bool:
        """Whether it takes part in a Bolt handshake."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
                link.settimeout(5)
                link.sendall(HANDSHAKE)
                return len(link.recv(4)) == 4
        except OSError:
            return False

    def stop(self) -> None:
        """Stop it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Make it hang: connections stay open and nothing answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo ``pause``."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None


def main() -> None:
    """Run a server until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="folder of its data")
    parser.add_argument("--port", type=int, default=7687)
    parser.add_argument("--heap", default="1g")
    parser.add_argument("--gds", action="store_true", help="with Graph Data Science")
    parser.add_argument("command", nargs="*", help="what to run beside it; put -- before it")
    asked = parser.parse_args()
    if lacks():
        parser.error(f"this machine lacks {lacks()}; install it")
    server = Server(asked.home, heap=asked.heap, port=asked.port, gds=asked.gds).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stderr.write(f"Neo4j {VERSION} at {server.uri}; its password is in {asked.home}/password\n")
    try:
        if asked.command:
            login = {"COTERIE_STORE": server.uri, "COTERIE_NEO4J_PASSWORD": server.password}
            sys.exit(subprocess.run(asked.command, env={**os.environ, **login}).returncode)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


if __name__ == "__main__":
    main()
