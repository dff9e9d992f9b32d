/**
 * Which addresses an agent may connect to on behalf of somebody who only named a URL (no reaching into private networks
 * by request).
 *
 * Law: without patterns, nothing but public unicast addresses is allowed, and loopback where the agent that asks is
 * itself reachable only from there. Whatever a library does not know to be public counts as not public.
 *
 * A rule judges what a name resolves to, not the name: the same name may resolve to something else a moment later, so
 * each connection asks again (GuardedDispatcher.ts). Only a pattern that names a host trusts the name.
 *
 * Gotcha: some clouds serve their metadata at addresses of otherwise public or shared ranges, so those are listed here.
 */
import * as Result from "effect/Result"
import ipaddr from "ipaddr.js"

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** What is allowed beyond the default: everything, a range of addresses, or a host with or without its port. */
export type AllowedPattern =
  | { readonly _tag: "Any" }
  | {
    readonly _tag: "Range"
    /** Its first address. */
    readonly network: Address
    /** How many of its first bits an address must share. */
    readonly bits: number
  }
  | {
    readonly _tag: "Host"
    /** The host's name or address, as a URL has it. */
    readonly host: string
    /** Any port if `undefined`. */
    readonly port: string | undefined
  }

/**
 * Where connections may go.
 *
 * @example
 * import * as AddressRule from "a2a-campaign/AddressRule"
 *
 * const rule = AddressRule.forListener("0.0.0.0")
 * console.log(AddressRule.refusedKind(rule, { host: "agent.example", port: "" }, "10.0.0.7"))
 * console.log(AddressRule.refusedKind(rule, { host: "agent.example", port: "" }, "93.184.216.34"))
 * // prints: private
 * // prints: undefined
 */
export interface AddressRule {
  /** Whether loopback is allowed. */
  readonly loopback: boolean
  /** What is allowed besides. */
  readonly allowed: ReadonlyArray<AllowedPattern>
}

/** Where a connection goes, as a URL names it: the host in its canonical form, without brackets and final dot. */
export interface Place {
  /** A name or an address. */
  readonly host: string
  /** Empty for the usual port of the scheme. */
  readonly port: string
}

/** Allows everything: for addresses that the user of the command gave. */
export const any: AddressRule = { loopback: true, allowed: [{ _tag: "Any" }] }

/** The rule of an agent that listens on `host`. */
export const forListener = (host: string, allowed: ReadonlyArray<AllowedPattern> = []): AddressRule => ({
  loopback: isLoopbackHost(host),
  allowed
})

/** Whether only this machine can reach a listener on `host`. */
export const isLoopbackHost = (host: string): boolean => host === "localhost" || kindOf(bare(host)) === "loopback"

/** The address kinds, in words for people. `public` is the only one that is allowed to everybody. */
export type AddressKind =
  | "public"
  | "loopback"
  | "private"
  | "link-local"
  | "carrier-grade NAT"
  | "multicast"
  | "unspecified"
  | "cloud metadata"
  | "reserved"
  | "unknown"

const METADATA = new Set([
  "169.254.169.254",
  "169.254.170.2",
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254"
].map((text) => ipaddr.process(text).toNormalizedString()))

const kinds: Readonly<Record<string, AddressKind>> = {
  unicast: "public",
  loopback: "loopback",
  private: "private",
  uniqueLocal: "private",
  linkLocal: "link-local",
  carrierGradeNat: "carrier-grade NAT",
  multicast: "multicast",
  broadcast: "multicast",
  unspecified: "unspecified"
}

const PUBLIC_IPV6: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3]

/** The kind of an address in any of its spellings; an IPv4 address inside an IPv6 one is judged as the former. */
export const kindOf = (text: string): AddressKind => {
  if (!ipaddr.isValid(text)) return "unknown"
  const address = ipaddr.process(text)
  if (METADATA.has(address.toNormalizedString())) return "cloud metadata"
  const kind = kinds[address.range()] ?? "reserved"
  return kind === "public" && address instanceof ipaddr.IPv6 && !address.match(PUBLIC_IPV6) ? "reserved" : kind
}

const bare = (host: string): string => host.replace(/^\[|\]$/g, "").replace(/(?<=[^.])\.$/, "").toLowerCase()

/** Where a URL leads, or why nobody goes there. Never throws. */
export const placeOf = (text: string): Result.Result<Place, string> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return Result.fail("it is not a URL")
  if (url.protocol !== "http:" && url.protocol !== "https:") return Result.fail("only http and https are spoken")
  if (url.username !== "" || url.password !== "") return Result.fail("it holds a user name or a password")
  return Result.succeed({ host: bare(url.hostname), port: url.port || (url.protocol === "https:" ? "443" : "80") })
}

/** Whether a host is an address already, so that there is nothing to look up. */
export const isAddress = (host: string): boolean => ipaddr.isValid(host)

/** Whether the rule trusts the place by its name, whatever it resolves to. */
export const trusts = (rule: AddressRule, { host, port }: Place): boolean =>
  rule.allowed.some((pattern) =>
    pattern._tag === "Any" ||
    (pattern._tag === "Host" && pattern.host === host && (pattern.port === undefined || pattern.port === port))
  )

/** The kind of an address if it is refused for that; undefined if a connection of the place may go there. */
export const refusedKind = (rule: AddressRule, place: Place, text: string): AddressKind | undefined => {
  const kind = kindOf(text)
  if (kind === "public" || (kind === "loopback" && rule.loopback) || trusts(rule, place)) return undefined
  if (kind === "unknown") return kind
  const address = ipaddr.process(text)
  const inside = rule.allowed.some((pattern) =>
    pattern._tag === "Range" && pattern.network.kind() === address.kind() &&
    address.match(pattern.network, pattern.bits)
  )
  return inside ? undefined : kind
}

/** One line that says why a place is not reached, and what would allow it. */
export const explainRefusal = (place: Place, address: string, kind: AddressKind): string => {
  const resolved = place.host === address ? `${address} is` : `${place.host} resolves to ${address},`
  return `${resolved} ${
    kind.startsWith("u") ? "an" : "a"
  } ${kind} address, which this agent does not reach by request; allow it with ` +
    `--allow-participant ${place.host} (or CAMPAIGN_ALLOW_PARTICIPANT=${place.host})`
}

/** A pattern as the user writes it: `any`, `172.16.0.0/12`, `10.0.0.5`, `purple` or `purple:9009`. */
export const parsePattern = (text: string): Result.Result<AllowedPattern, string> => {
  const trimmed = text.trim()
  if (trimmed === "any") return Result.succeed({ _tag: "Any" })
  if (ipaddr.isValidCIDR(trimmed)) return Result.succeed(rangeOf(trimmed))
  if (ipaddr.IPv4.isValidFourPartDecimal(trimmed)) return Result.succeed(rangeOf(`${trimmed}/32`))
  if (ipaddr.IPv6.isValid(bare(trimmed))) return Result.succeed(rangeOf(`${bare(trimmed)}/128`))
  // A host in the sense of URLs, so that it compares with what a URL names.
  const match = /^(\[[^\]/@?#]+\]|[^\s:/@?#[\]\\*]+)(?::(\d{1,5}))?$/.exec(trimmed)
  const host = match?.[1]
  if (host !== undefined && URL.canParse(`http://${host}/`)) {
    return Result.succeed({ _tag: "Host", host: bare(new URL(`http://${host}/`).hostname), port: match?.[2] })
  }
  return Result.fail(`"${text}" is none of: any, a range such as 172.16.0.0/12, an address, a host, host:port`)
}

const rangeOf = (cidr: string): AllowedPattern => {
  const [network, bits] = ipaddr.parseCIDR(cidr)
  return network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96
    ? { _tag: "Range", network: network.toIPv4Address(), bits: bits - 96 }
    : { _tag: "Range", network, bits }
}
