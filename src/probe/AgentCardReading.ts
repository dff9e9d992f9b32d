/**
 * What an agent's card says, in the words of A2A 1.0 or 0.3, and which of its interfaces our client would use: 1.0 before
 * 0.3, and JSON-RPC before HTTP+JSON.
 */
import { oneLine } from "../a2a/AgentFault.ts"
import { TOKEN_EXTENSION_URI } from "../a2a/TokenExtension.ts"
import { isObject } from "../a2a/WireShape.ts"
import type { AgentInterface, CardMeasurement } from "./AgentMeasurements.ts"

type Json = Readonly<Record<string, unknown>>

/** What the card itself tells. */
export type CardReading = Pick<
  CardMeasurement,
  "name" | "interfaces" | "used" | "streaming" | "extension" | "fault"
>

/** Interfaces that are looked at. */
const MOST_INTERFACES = 20
const MOST_NAME = 80

const textIn = (value: unknown, most = 300): string => typeof value === "string" ? oneLine(value).slice(0, most) : ""

const listIn = (value: unknown): ReadonlyArray<Json> =>
  Array.isArray(value) ? value.slice(0, MOST_INTERFACES).filter(isObject) : []

/** `1.0` of `1.0.3`. */
const majorMinor = (version: string): string => /^\d+\.\d+/.exec(version)?.[0] ?? version

const interfacesOf = (card: Json): ReadonlyArray<AgentInterface> => {
  const current = listIn(card["supportedInterfaces"]).map((each) => ({
    url: textIn(each["url"]),
    binding: textIn(each["protocolBinding"]),
    version: majorMinor(textIn(each["protocolVersion"]) || "1.0")
  }))
  const url = textIn(card["url"])
  const version = majorMinor(textIn(card["protocolVersion"]) || "0.3")
  const legacy = [
    ...(url === "" ? [] : [{ url, binding: textIn(card["preferredTransport"]) || "JSONRPC", version }]),
    ...listIn(card["additionalInterfaces"]).map((each) => ({
      url: textIn(each["url"]),
      binding: textIn(each["transport"]),
      version
    }))
  ]
  const all = [...current, ...legacy]
  return all.filter((each, index) =>
    index ===
      all.findIndex(({ binding, url, version }) =>
        url === each.url && binding === each.binding && version === each.version
      )
  )
}

const RANKS = [["1.0", "JSONRPC"], ["1.0", "HTTP+JSON"], ["0.3", "JSONRPC"]] as const

/** Reads a card. */
export const readCard = (card: unknown): CardReading => {
  const empty = { name: "", interfaces: [], used: null, streaming: false, extension: false }
  if (!isObject(card)) return { ...empty, fault: "it is not a JSON object" }
  const interfaces = interfacesOf(card)
  const capabilities = isObject(card["capabilities"]) ? card["capabilities"] : {}
  const used =
    RANKS.flatMap(([version, binding]) =>
      interfaces.filter((each) => each.version === version && each.binding.toUpperCase() === binding)
    )[0]
  const offered = interfaces.map(({ binding, version }) => `${binding || "no binding"} of ${version}`).join(", ")
  return {
    name: textIn(card["name"], MOST_NAME),
    interfaces,
    used: used ?? null,
    streaming: capabilities["streaming"] === true,
    extension: listIn(capabilities["extensions"]).some((each) => each["uri"] === TOKEN_EXTENSION_URI),
    fault: interfaces.length === 0
      ? "it names no address (supportedInterfaces, or url in A2A 0.3)"
      : used === undefined
      ? `it offers ${offered}, and neither JSON-RPC of A2A 1.0 or 0.3 nor HTTP+JSON of 1.0`
      : !URL.canParse(used.url)
      ? `it names an address that is no URL: ${used.url}`
      : null
  }
}
