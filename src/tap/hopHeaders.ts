/**
 * Which headers pass from one connection to the next: all but those that speak of the connection itself (RFC 9110,
 * section 7.6.1), as they were written and in their order. Lists are flat: name, value, name, value.
 *
 * Nothing is added that says that somebody is in between.
 */
import { BATTLE_HEADER } from "./TapRoute.ts"

const ofConnection = new Set(["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"])
/** Node has answered `Expect` itself, the address is the engine's own, and the battle's name is for us. */
const ofRequest = new Set([...ofConnection, "expect", "host", BATTLE_HEADER])

/** The headers of a request as the engine gets them. `more` names others to be left out, in lower case. */
export const requestHeaders = (
  raw: ReadonlyArray<string>,
  more: ReadonlySet<string> = new Set()
): Array<string> => passing(raw, (name) => ofRequest.has(name) || more.has(name))

/** The headers of an answer as the client gets them. */
export const responseHeaders = (
  raw: ReadonlyArray<string>,
  more: ReadonlySet<string> = new Set()
): Array<string> => passing(raw, (name) => ofConnection.has(name) || more.has(name))

const passing = (raw: ReadonlyArray<string>, isLeftOut: (name: string) => boolean): Array<string> => {
  const named = namedByConnection(raw)
  const passed: Array<string> = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase()
    if (!isLeftOut(name) && !named.has(name)) passed.push(raw[at]!, raw[at + 1]!)
  }
  return passed
}

const none: ReadonlySet<string> = new Set()

/** Headers that `Connection` says belong to it, too. */
const namedByConnection = (raw: ReadonlyArray<string>): ReadonlySet<string> => {
  let named: Set<string> | undefined
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== "connection") continue
    named ??= new Set()
    for (const name of raw[at + 1]!.split(",")) named.add(name.trim().toLowerCase())
  }
  return named ?? none
}

/** The first value of a header in a flat list. */
export const valueOf = (raw: ReadonlyArray<string>, name: string): string | undefined => {
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() === name) return raw[at + 1]
  }
  return undefined
}
