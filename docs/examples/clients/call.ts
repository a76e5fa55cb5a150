// Hand an order over and read it, with the types that `make clients` makes: node call.ts URL KEY ORDER.json
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./shukka.d.ts";

const [url, key, file] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${key}` } });
const document: components["schemas"]["OrderDocument"] = JSON.parse(readFileSync(file!, "utf-8"));

const taken = await client.POST("/v1/orders", { body: document });
if (taken.error) throw new Error(`refused: ${taken.error.detail}`);
const { shop, number } = taken.data;
const read = await client.GET("/v1/orders/{shop}/{number}", { params: { path: { shop, number } } });
const order: components["schemas"]["ShownOrder"] | undefined = read.data;
console.log(order?.number, order?.state, order?.payment.amount);
