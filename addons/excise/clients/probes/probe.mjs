// Asks for one page each with fetch, node:https and what the project in this folder has installed. Run by Node, Bun or Deno.
// Arguments: WAY=URL…, then names of packages; prints JSON: what was tried, with the error's
// name, what does not run here, and which of the packages are here.
import https from "node:https";
import process from "node:process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const here = createRequire(process.cwd() + "/");
const load = async (name) => import(pathToFileURL(here.resolve(name)).href);
const present = (name) => {
  try {
    return Boolean(here.resolve(name));
  } catch {
    return false;
  }
};

const ways = {
  fetch: (url) => fetch(url, { signal: AbortSignal.timeout(10000) }),
  https: (url) =>
    new Promise((done, fail) => {
      https.get(url, { timeout: 10000 }, (answer) => done(answer.destroy())).on("error", fail);
    }),
  axios: async (url) => (await load("axios")).default.get(url, { timeout: 10000, validateStatus: () => true }),
  "aws-sdk": async (url) => {
    const { BedrockRuntimeClient, ConverseCommand } = await load("@aws-sdk/client-bedrock-runtime");
    const credentials = { accessKeyId: "none", secretAccessKey: "none" };
    const client = new BedrockRuntimeClient({ endpoint: url, region: "us-east-1", credentials, maxAttempts: 1 });
    await client.send(new ConverseCommand({ modelId: "none", messages: [{ role: "user", content: [{ text: "-" }] }] }));
  },
};
const needs = { axios: "axios", "aws-sdk": "@aws-sdk/client-bedrock-runtime" };
const tried = {};
const found = [];
const broken = {};
for (const pair of process.argv.slice(2)) {
  const at = pair.indexOf("=");
  if (at < 0) {
    if (present(pair)) found.push(pair);
    continue;
  }
  const name = pair.slice(0, at);
  if (needs[name] && !present(needs[name])) continue;
  try {
    await ways[name](pair.slice(at + 1));
    tried[name] = null;
  } catch (error) {
    // Thrown by the library's own code before it asked: it does not run here at all.
    if (error instanceof SyntaxError || error instanceof ReferenceError) broken[name] = error.name;
    else tried[name] = error?.cause?.code ?? error?.code ?? error?.name ?? "error";
  }
}
console.log(JSON.stringify({ tried, found, broken }));
process.exit(0);
