// Which view an address shows, what it takes to see it, and where it stands in the menu.

import * as audience from "./views/audience.js";
import * as audiences from "./views/audiences.js";
import * as customers from "./views/customers.js";
import * as customer from "./views/customer.js";
import * as cypher from "./views/cypher.js";
import * as experiment from "./views/experiment.js";
import * as experimentForm from "./views/experiment-form.js";
import * as experiments from "./views/experiments.js";
import * as merchandising from "./views/merchandising.js";
import * as overview from "./views/overview.js";
import * as product from "./views/product.js";
import * as products from "./views/products.js";
import * as quality from "./views/quality.js";
import * as rule from "./views/rule.js";
import * as segment from "./views/segment.js";
import * as segments from "./views/segments.js";
import * as stage from "./views/stage.js";
import * as snapshots from "./views/snapshots.js";

const MARKETER = ["marketer"];
const STOREFRONT = ["storefront"];
const INSIDERS = ["marketer", "analyst", "admin"];

export const SECTIONS = [
  { name: "overview", path: "", title: "overview.title", icon: "home", needs: [] },
  { name: "segments", path: "segments", title: "segments.title", icon: "segments", needs: MARKETER },
  { name: "audiences", path: "audiences", title: "audiences.title", icon: "audience", needs: MARKETER },
  { name: "customers", path: "customers", title: "customers.title", icon: "person", needs: MARKETER },
  { name: "products", path: "products", title: "products.title", icon: "product", needs: STOREFRONT },
  { name: "cypher", path: "cypher", title: "cypher.title", icon: "graph", needs: ["analyst"] },
  { name: "merchandising", path: "merchandising", title: "rules.title", icon: "megaphone", needs: INSIDERS },
  { name: "experiments", path: "experiments", title: "experiments.title", icon: "flask", needs: INSIDERS },
  { name: "quality", path: "quality", title: "quality.title", icon: "quality", needs: INSIDERS },
  { name: "snapshots", path: "snapshots", title: "snapshots.title", icon: "snapshot", needs: ["admin"] },
];

const view = (section, title, needs, draw) => ({ section, title, needs, draw });

export const VIEWS = {
  "": view("overview", "overview.title", [], overview.view),
  segments: view("segments", "segments.title", MARKETER, segments.view),
  segment: view("segments", "segment.title", MARKETER, segment.view),
  stage: view("overview", "stage.title", MARKETER, stage.view),
  audiences: view("audiences", "audiences.title", MARKETER, audiences.view),
  audience: view("audiences", "audience.title", MARKETER, audience.view),
  customers: view("customers", "customers.title", MARKETER, customers.view),
  customer: view("customers", "customer.title", MARKETER, customer.view),
  products: view("products", "products.title", STOREFRONT, products.view),
  product: view("products", "product.title", STOREFRONT, product.view),
  cypher: view("cypher", "cypher.title", ["analyst"], cypher.view),
  merchandising: view("merchandising", "rules.title", INSIDERS, merchandising.view),
  rule: view("merchandising", "rule.title", ["marketer", "admin"], rule.view),
  experiments: view("experiments", "experiments.title", INSIDERS, experiments.view),
  experiment: view("experiments", "experiments.name", INSIDERS, experiment.view),
  "experiment-new": view("experiments", "experiments.new", ["marketer", "admin"], experimentForm.view),
  campaign: view("experiments", "campaigns.name", INSIDERS, experiment.campaign),
  quality: view("quality", "quality.title", INSIDERS, quality.view),
  snapshots: view("snapshots", "snapshots.title", ["admin"], snapshots.view),
};
