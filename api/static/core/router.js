// Addresses after #: the view, the name of what it shows, and a query.

export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  let name = rest.join("/");
  try {
    name = decodeURIComponent(name);
  } catch {
    // A percent sign that escapes nothing is a percent sign.
  }
  return { view, name, query: new URLSearchParams(query) };
}

// Changes the address without drawing the view anew; it has done so itself.
export function replace(address) {
  history.replaceState(null, "", address);
}

export function go(address) {
  location.hash = address.replace(/^#/, "");
}
