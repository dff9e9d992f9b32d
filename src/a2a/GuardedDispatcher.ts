/**
 * Connections that an address rule has judged, each of them (adapter for undici).
 *
 * The name is looked up once per connection, every address it has must be allowed, and the connection goes to one of
 * those: between the check and the connection nothing can be resolved anew. A host that is an address is never looked
 * up, so it is judged before. Redirects and cards that point elsewhere come through here too.
 *
 * Connections of one rule are never used for another one, because each rule has an agent of its own.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { lookup, type LookupAddress } from "node:dns"
import type { LookupFunction } from "node:net"
import * as undici from "undici"
import { CONNECT_TIMEOUT_MILLIS, fetchThrough, patientAgent } from "../engine/PatientFetch.ts"
import * as AddressRule from "./AddressRule.ts"

/** How long a lookup before a connection may take; the connection itself looks up again. */
const LOOKUP_TIMEOUT = "5 seconds"

export class AddressRefused extends Data.TaggedError("AddressRefused")<{ readonly message: string }> {}

export class GuardedDispatcher extends Context.Service<GuardedDispatcher, {
  /** A `fetch` whose connections the rule allows; they are kept per rule, told apart by identity. */
  readonly fetchUnder: (rule: AddressRule.AddressRule) => typeof globalThis.fetch
}>()("a2a-campaign/GuardedDispatcher") {
  /** Closes every connection it opened when its scope ends. */
  static readonly layer = Layer.effect(
    GuardedDispatcher,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => new Map<AddressRule.AddressRule, undici.Agent>()),
        (agents) => Effect.forEach(agents.values(), (agent) => Effect.promise(() => agent.destroy()), { discard: true })
      ),
      (agents) =>
        GuardedDispatcher.of({
          fetchUnder: (rule) => {
            const agent = agents.get(rule) ?? patientAgent(connectorOf(rule))
            agents.set(rule, agent)
            return fetchThrough(agent)
          }
        })
    )
  )
}

/** The line that refuses one of the addresses, if one is refused. */
const refusalOf = (
  rule: AddressRule.AddressRule,
  place: AddressRule.Place,
  addresses: ReadonlyArray<string>
): string | undefined => {
  for (const address of addresses) {
    const kind = AddressRule.refusedKind(rule, place, address)
    if (kind !== undefined) return AddressRule.explainRefusal(place, address, kind)
  }
  return undefined
}

const connectorOf = (rule: AddressRule.AddressRule): undici.buildConnector.connector => (options, callback) => {
  const url = `${options.protocol}//${
    options.hostname.includes(":") ? `[${bareOf(options.hostname)}]` : options.hostname
  }`
  const place = AddressRule.placeOf(options.port ? `${url}:${options.port}` : url)
  if (place._tag === "Failure") return callback(new AddressRefused({ message: `${url}: ${place.failure}` }), null)
  const refusal = AddressRule.isAddress(place.success.host)
    ? refusalOf(rule, place.success, [place.success.host])
    : undefined
  if (refusal !== undefined) return callback(new AddressRefused({ message: refusal }), null)
  const connect = undici.buildConnector({
    timeout: CONNECT_TIMEOUT_MILLIS,
    lookup: judgedLookup(rule, place.success)
  } as undici.buildConnector.BuildOptions)
  return connect(options, callback)
}

const bareOf = (hostname: string): string => hostname.replace(/^\[|\]$/g, "")

const judgedLookup =
  (rule: AddressRule.AddressRule, place: AddressRule.Place): LookupFunction => (host, options, done) =>
    lookup(host, { ...options, all: true }, (error, found: Array<LookupAddress>) => {
      const first = found?.[0]
      if (error !== null || first === undefined) return done(error, "", 4)
      const refusal = refusalOf(rule, place, found.map(({ address }) => address))
      if (refusal !== undefined) return done(new AddressRefused({ message: refusal }), "", 4)
      return options.all === true ? done(null, found) : done(null, first.address, first.family)
    })

/**
 * Why a URL would not be reached, as far as the URL and one lookup of its name tell; undefined if it would be, or if the
 * name is unknown, which the connection then says. Nothing is connected to.
 */
export const refusalOfUrl = Effect.fnUntraced(function*(rule: AddressRule.AddressRule, url: string) {
  const place = AddressRule.placeOf(url)
  if (place._tag === "Failure") return place.failure
  const { host } = place.success
  if (AddressRule.trusts(rule, place.success)) return undefined
  if (AddressRule.isAddress(host)) return refusalOf(rule, place.success, [host])
  const addresses = yield* Effect.callback<ReadonlyArray<string>>((resume) => {
    lookup(
      host,
      { all: true },
      (error, found) => resume(Effect.succeed(error === null ? found.map(({ address }) => address) : []))
    )
  }).pipe(Effect.timeoutOption(LOOKUP_TIMEOUT))
  return addresses._tag === "Some" ? refusalOf(rule, place.success, addresses.value) : undefined
})
