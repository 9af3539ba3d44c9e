// What a shop's own script does: it says which product the page is about, and tells what happens.
const id = new URLSearchParams(location.search).get("id");
document.querySelector("#name").textContent = id;
for (const list of document.querySelectorAll("coterie-recommendations")) list.setAttribute("product", id);

// Before the widget is there, calls wait in this list.
window.coterie ??= [];
coterie.push(["track", "view_item", id]);

document.querySelector("#add").onclick = () => coterie.push(["track", "add_to_cart", id]);
document.querySelector("#buy").onclick = () => {
  const order_id = "web-" + Date.now();
  coterie.push(["track", "purchase", { order_id, items: [{ product_id: id, quantity: 1 }] }]);
};
