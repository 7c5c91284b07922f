// What is asked of the server, and the same as commands for a terminal.

let token = ""; // in memory only

export function setToken(text) {
  token = text;
}

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const NO_WORDS = {
  413: "What was sent is too long for the server.",
  503: "The server is busy. Try again in a moment.",
  504: "The model took too long to answer.",
};

async function fetchJson(path, options = {}) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response, text;
  try {
    response = await fetch(path, { ...options, headers });
    text = await response.text();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server cannot be reached. Is it still running?", 0);
  }
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = undefined; // an error page, or NaN, which is no JSON
  }
  if (!response.ok) {
    const words = plain(answer?.error ?? "") || NO_WORDS[response.status];
    throw new Refused(words || `The server answered ${response.status}.`, response.status);
  }
  if (answer === undefined) {
    throw new Refused(`The answer cannot be read: ${text.slice(0, 300)}`, response.status);
  }
  return answer;
}

// An assertion inside a graph comes with brackets and the names of nodes around what it says.
function plain(message) {
  const [, said = message, more = ""] =
    message.match(/^assertion failed: \[(.*?)\](.*?)\s*(?:\[\[\{\{.*)?$/s) ?? [];
  return `${said}${more}`;
}

export async function modelNames() {
  return (await fetchJson("/models")).models;
}

// Which kind of question a model takes, and what it is sent as.
export async function describeModel(name) {
  const answer = await fetchJson(`${modelPath(name)}/metadata`);
  const all = answer.metadata.signature_def.signature_def;
  const names = Object.keys(all).filter((key) => !key.startsWith("__"));
  const signature = names.includes("serving_default") ? "serving_default" : names[0];
  const inputs = Object.entries(all[signature]?.inputs ?? {}).sort();
  const [input, tensor] = inputs[0] ?? [];
  // A list of strings; those of classify and regress hold examples, not text.
  const takesStrings =
    inputs.length === 1 &&
    tensor.dtype === "DT_STRING" &&
    dimensions(tensor)?.join() === "-1" &&
    !/(classify|regress)$/.test(all[signature].method_name);
  let kind = "json";
  if (takesStrings) kind = /image|picture|photo|img/i.test(input) ? "picture" : "text";
  const explains = Object.entries(all.explain?.inputs ?? {});
  return {
    name,
    version: answer.model_spec.version,
    kind,
    signature,
    inputs,
    explains:
      kind !== "json" &&
      explains.length === 1 &&
      explains[0][0] === input &&
      explains[0][1].dtype === "DT_STRING",
  };
}

export function dimensions(tensor) {
  if (tensor.tensor_shape.unknown_rank) return null;
  return tensor.tensor_shape.dim.map((dim) => Number(dim.size));
}

// The answer to one instance.
export async function ask(model, instance, signature, signal) {
  const body = requestBody(model, instance, signature);
  const answer = await askJson(model, JSON.stringify(body), signal);
  return answer.predictions[0];
}

export function askJson(model, body, signal) {
  return fetchJson(`${modelPath(model.name)}:predict`, { method: "POST", body, signal });
}

function requestBody(model, instance, signature) {
  const named = signature === "serving_default" ? {} : { signature_name: signature };
  return { ...named, instances: [instance] };
}

function modelPath(name) {
  return `/v1/models/${encodeURIComponent(name)}`;
}

// ---- commands -----------------------------------------------------------------------------------

export function textCommand(model, text, signature) {
  return curl(model, `-d ${quoted(JSON.stringify(requestBody(model, text, signature)))}`);
}

export function jsonCommand(model, body) {
  return curl(model, `-d ${quoted(body)}`);
}

export function pictureCommand(model, signature) {
  const body = JSON.stringify(requestBody(model, { b64: "%s" }, signature));
  const encoded = `"$(base64 < "$IMAGE" | tr -d '\\n')"`;
  return [
    "IMAGE=drawing.png",
    `printf ${quoted(body)} ${encoded} |`,
    `  ${curl(model, "--data-binary @-", "    ")}`,
  ].join("\n");
}

function curl(model, data, indent = "  ") {
  const header = token ? [`-H "Authorization: Bearer $TOKEN"`] : [];
  const url = `${location.origin}${modelPath(model.name)}:predict`;
  const safe = /^[\w:/.-]+$/.test(url) ? url : quoted(url);
  return ["curl", ...header, data, `\\\n${indent}${safe}`].join(" ");
}

function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// ---- what fits a model --------------------------------------------------------------------------

const MOST_ELEMENTS = 5000;

// A request that the model takes, to be filled in; empty brackets where it would be too long.
export function skeleton(model) {
  const rows = model.inputs.length > 0 &&
    model.inputs.every(([, tensor]) => dimensions(tensor)?.[0] === -1);
  const values = Object.fromEntries(
    model.inputs.map(([name, tensor]) => {
      const sizes = (dimensions(tensor) ?? []).map((size) => Math.max(size, 1));
      return [name, filled(rows ? sizes.slice(1) : sizes, scalar(name, tensor.dtype))];
    }),
  );
  const content = model.inputs.length === 1 ? Object.values(values)[0] : values;
  const named = model.signature === "serving_default" ? {} : { signature_name: model.signature };
  return written({ ...named, ...(rows ? { instances: [content] } : { inputs: content }) });
}

function scalar(name, dtype) {
  if (dtype === "DT_BOOL") return false;
  if (dtype !== "DT_STRING") return 0;
  return name.endsWith("_bytes") ? { b64: "" } : "";
}

function filled(sizes, value) {
  if (sizes.reduce((a, b) => a * b, 1) > MOST_ELEMENTS) return [];
  if (!sizes.length) return value;
  return Array.from({ length: sizes[0] }, () => filled(sizes.slice(1), value));
}

// JSON with one line for each innermost list.
function written(value, indent = "") {
  const flat = JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, " ")
    .replace(/([[{]) | ([\]}])/g, "$1$2");
  const nested = value !== null && typeof value === "object" &&
    Object.values(value).some((one) => one !== null && typeof one === "object");
  if (flat.length < 80 - indent.length || !nested) return flat;
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Object.entries(value).map(([key, one]) => {
    const text = written(one, deeper);
    return `${deeper}${Array.isArray(value) ? "" : `${JSON.stringify(key)}: `}${text}`;
  });
  return `${open}\n${parts.join(",\n")}\n${indent}${close}`;
}

// What the inputs are, in words.
export function shapes(model) {
  return model.inputs
    .map(([name, tensor]) => {
      const sizes = dimensions(tensor);
      const kind = tensor.dtype.replace("DT_", "").toLowerCase();
      if (sizes === null) return `${name}: ${kind} of any shape`;
      if (!sizes.length) return `${name}: one ${kind}`;
      return `${name}: ${kind} (${sizes.map((size) => (size < 0 ? "any" : size)).join(" × ")})`;
    })
    .join("; ");
}
