/**
 * Which server this is: from what it answers on paths that only one kind has, from the names of its metrics, and from
 * what it signs its answers with. Pure.
 *
 * Where each sign comes from: vLLM has `/version` and `owned_by: "vllm"`, its series begin with `vllm:`; SGLang has
 * `/server_info` (older: `/get_server_info`) and `owned_by: "sglang"`; llama.cpp's server signs with the header
 * `Server: llama.cpp`, has `/props` and `owned_by: "llamacpp"`; Ollama has `/api/version`, says "Ollama is running" at
 * `/`, and signs chunks with `system_fingerprint: "fp_ollama"`.
 *
 * Gotcha: a proxy in front may hide any of them, and several imitate paths of others (SGLang can speak Ollama's API), so
 * what a server says of itself (`owned_by`, metrics) counts for more than that a path exists.
 */
import { type EngineAnswer, fieldOf, jsonOf, textField } from "./EngineAnswer.ts"

export type ServerKind = "vllm" | "sglang" | "llama.cpp" | "ollama" | "unknown"

export interface ServedModel {
  readonly id: string
  readonly ownedBy: string | null
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number | null
}

export interface Identity {
  readonly kind: ServerKind
  readonly version: string | null
  readonly models: ReadonlyArray<ServedModel>
  /** What it was told by, for a person. */
  readonly signs: ReadonlyArray<string>
}

/** The paths that tell, beside those of the API; asked for at the root of the server. */
export const tellingPaths = {
  version: "/version",
  serverInfo: "/server_info",
  oldServerInfo: "/get_server_info",
  props: "/props",
  ollamaVersion: "/api/version",
  root: "/"
} as const

export type TellingPath = keyof typeof tellingPaths

export interface Told {
  readonly models: EngineAnswer | undefined
  readonly answers: Readonly<Partial<Record<TellingPath, EngineAnswer>>>
  /** The names of all series of `/metrics`. */
  readonly metrics: ReadonlyArray<string>
  readonly fingerprints: ReadonlyArray<string>
}

const MOST_MODELS = 100

const positive = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : null

/** The models of `GET /v1/models`; llama.cpp tells the context under `meta`. */
export const modelsOf = (answer: EngineAnswer | undefined): ReadonlyArray<ServedModel> => {
  const data = fieldOf(jsonOf(answer), "data")
  if (!Array.isArray(data)) return []
  return data.slice(0, MOST_MODELS).flatMap((model: unknown) => {
    const id = fieldOf(model, "id")
    return typeof id !== "string" || id === "" ? [] : [{
      id,
      ownedBy: textField(model, "owned_by") ?? null,
      contextTokens: positive(fieldOf(model, "max_model_len")) ?? positive(fieldOf(fieldOf(model, "meta"), "n_ctx"))
    }]
  })
}

const owners: Readonly<Record<string, ServerKind>> = { vllm: "vllm", sglang: "sglang", llamacpp: "llama.cpp" }

const prefixes: ReadonlyArray<readonly [string, ServerKind]> = [
  ["vllm:", "vllm"],
  ["sglang:", "sglang"],
  ["llamacpp:", "llama.cpp"]
]

interface Sign {
  readonly kind: ServerKind
  readonly weight: number
  readonly text: string
}

const signsOf = ({ answers, fingerprints, metrics, models }: Told): ReadonlyArray<Sign> => {
  const signs: Array<Sign> = []
  const add = (kind: ServerKind, weight: number, text: string) => signs.push({ kind, weight, text })
  for (const owner of new Set(modelsOf(models).map(({ ownedBy }) => ownedBy ?? ""))) {
    const kind = Object.hasOwn(owners, owner) ? owners[owner] : undefined
    if (kind !== undefined) add(kind, 3, `owned_by "${owner}"`)
  }
  for (const [prefix, kind] of prefixes) {
    if (metrics.some((name) => name.startsWith(prefix))) add(kind, 3, `series ${prefix}*`)
  }
  if (models?.headers["server"]?.startsWith("llama.cpp") === true) add("llama.cpp", 3, "header Server: llama.cpp")
  if (fingerprints.includes("fp_ollama")) add("ollama", 3, "fingerprint fp_ollama")
  if (answers.root?.status === 200 && answers.root.body.includes("Ollama is running")) {
    add("ollama", 3, "\"Ollama is running\" at /")
  }
  if (textField(jsonOf(answers.props), "build_info") !== undefined) add("llama.cpp", 2, "/props")
  const info = jsonOf(answers.serverInfo) ?? jsonOf(answers.oldServerInfo)
  if (textField(info, "version") !== undefined) {
    add("sglang", 2, answers.serverInfo?.status === 200 ? "/server_info" : "/get_server_info")
  }
  if (textField(jsonOf(answers.ollamaVersion), "version") !== undefined) add("ollama", 1, "/api/version")
  if (textField(jsonOf(answers.version), "version") !== undefined) add("vllm", 1, "/version")
  return signs
}

const versionOf = (kind: ServerKind, { answers, fingerprints }: Told): string | undefined => {
  switch (kind) {
    case "vllm":
      return textField(jsonOf(answers.version), "version")
    case "sglang":
      return textField(jsonOf(answers.serverInfo), "version") ?? textField(jsonOf(answers.oldServerInfo), "version")
    case "llama.cpp":
      return textField(jsonOf(answers.props), "build_info") ?? fingerprints[0]
    case "ollama":
      return textField(jsonOf(answers.ollamaVersion), "version")
    case "unknown":
      return undefined
  }
}

/** The kind that most speaks for. Never throws. */
export const identify = (told: Told): Identity => {
  const signs = signsOf(told)
  const weights = new Map<ServerKind, number>()
  for (const { kind, weight } of signs) weights.set(kind, (weights.get(kind) ?? 0) + weight)
  const [best] = [...weights].toSorted(([, one], [, other]) => other - one)
  const kind = best?.[0] ?? "unknown"
  return {
    kind,
    version: versionOf(kind, told) ?? null,
    models: modelsOf(told.models),
    signs: signs.filter((sign) => sign.kind === kind).map(({ text }) => text)
  }
}

/** What people call it. */
export const serverNames: Readonly<Record<ServerKind, string>> = {
  "vllm": "vLLM",
  "sglang": "SGLang",
  "llama.cpp": "llama.cpp's server",
  "ollama": "Ollama",
  "unknown": "an OpenAI-compatible server that does not say which"
}
