/**
 * Where a request to the tap leads, and what it says of the battle that it belongs to: pure.
 *
 * Everything goes to the engine, but for what stands under `/.campaign-tap`, which is the tap's own and never forwarded.
 * `/battle/<id>/…` and `/agents/<name>/…` are the engine's own paths with a name before them; the name is taken off.
 *
 * Laws: the rest of a path, with its query, is handed on letter for letter; a name that cannot be decoded is no name.
 */
import * as Result from "effect/Result"

/** What a request says of its battle; nothing where it says nothing. */
export interface BattleHint {
  /** The battle's own id, from the path or the header. */
  readonly battle: string | undefined
  readonly agent: string | undefined
  /** The trace id of a W3C `traceparent`: 32 digits in lower case. */
  readonly trace: string | undefined
}

export type TapRoute =
  /** `path` is what stands behind the prefix, decoded. */
  | { readonly _tag: "Control"; readonly path: ReadonlyArray<string>; readonly query: URLSearchParams }
  /** `path` begins with a slash and has the query. */
  | { readonly _tag: "Engine"; readonly path: string; readonly hint: BattleHint }

export const CONTROL_PREFIX = "/.campaign-tap"
/** Names the battle of a request; not handed on. */
export const BATTLE_HEADER = "x-campaign-battle"

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Reads a request's target and its headers, which are named in lower case. */
export const routeOf = (target: string, headers: Headers): TapRoute => {
  const url = pathOf(target)
  if (url === CONTROL_PREFIX || /^\/\.campaign-tap[/?]/.test(url)) return controlRoute(url)
  const named = /^\/(battle|agents)\/([^/?]+)([/?].*)?$/.exec(url)
  const name = named === null ? undefined : decoded(named[2]!)
  const header = headers[BATTLE_HEADER]
  const told = typeof header === "string" && header !== "" ? header : undefined
  const trace = traceOf(headers["traceparent"])
  if (named === null || name === undefined) {
    return { _tag: "Engine", path: url, hint: { battle: told, agent: undefined, trace } }
  }
  const rest = named[3] ?? "/"
  const path = rest.startsWith("/") ? rest : `/${rest}`
  return named[1] === "battle"
    ? { _tag: "Engine", path, hint: { battle: name, agent: undefined, trace } }
    : { _tag: "Engine", path, hint: { battle: told, agent: name, trace } }
}

const controlRoute = (url: string): TapRoute => {
  const [path = "", query = ""] = url.slice(CONTROL_PREFIX.length).split(/\?(.*)/s, 2)
  const parts = path.split("/").filter((part) => part !== "").map((part) => decoded(part) ?? part)
  return { _tag: "Control", path: parts, query: new URLSearchParams(query) }
}

/** Clients of proxies send whole addresses, and `OPTIONS` may ask for `*`. */
const pathOf = (target: string): string => {
  if (target.startsWith("/")) return target
  return /^https?:\/\/[^/?]*(.*)$/i.exec(target)?.[1]?.replace(/^(?!\/)/, "/") ?? "/"
}

const decoded = (text: string): string | undefined =>
  Result.getOrUndefined(Result.try({ try: () => decodeURIComponent(text), catch: () => undefined }))

/** The trace id of a `traceparent`, in lower case. */
const traceOf = (header: Headers[string]): string | undefined =>
  typeof header === "string"
    ? /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/i.exec(header)?.[1]?.toLowerCase()
    : undefined

/** The API of the engine whose runs are watched, if the path is one of those. */
export const watchedApi = (path: string): "chat" | "completion" | undefined => {
  const [before = ""] = path.split("?", 1)
  if (before.endsWith("/chat/completions")) return "chat"
  return before.endsWith("/completions") ? "completion" : undefined
}
