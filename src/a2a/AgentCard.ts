/**
 * The card of an agent of ours, in the words of A2A 1.0, of 0.3, and of both in one document.
 *
 * A 1.0 client reads `supportedInterfaces`, `securityRequirements` and schemes of security in ProtoJSON; a 0.3 client
 * reads `url`, `preferredTransport`, `protocolVersion`, `security` and schemes in OpenAPI's form, and knows nothing but
 * JSON-RPC here. Both ignore what they do not know, so one document serves a client that does not say what it reads: the
 * words collide only inside a scheme, whose members then stand side by side.
 *
 * Gotcha: clients put a path behind the address of HTTP+JSON, so that one ends without a slash.
 */
import { AgentCard, SecurityScheme } from "@a2a-js/sdk"
import { tokenExtension } from "./TokenExtension.ts"

/** What an agent's card says of it, in its author's words. */
export interface AgentDescription {
  /** What people call it. */
  readonly name: string
  /** What it is for, in a sentence. */
  readonly description: string
  /** Its own version, not that of a protocol. */
  readonly version: string
  /** What it can do. */
  readonly skill: {
    /** Names the skill for programs. */
    readonly id: string
    /** Names it for people. */
    readonly name: string
    /** What it does, in a sentence. */
    readonly description: string
    /** At least one: clients of 0.3 require the list, and the JSON of a card leaves out empty ones. */
    readonly tags: readonly [string, ...ReadonlyArray<string>]
  }
}

/** What a client must present, in the words of 1.0. */
export type AgentSecurity = Pick<AgentCard, "securitySchemes" | "securityRequirements">

export const noSecurity: AgentSecurity = { securitySchemes: {}, securityRequirements: [] }

/** `Authorization: Bearer` and a token (RFC 6750). */
export const bearerSecurity: AgentSecurity = {
  securitySchemes: {
    bearer: {
      scheme: {
        $case: "httpAuthSecurityScheme",
        value: { description: "The token that the agent was started with.", scheme: "Bearer", bearerFormat: "" }
      }
    }
  },
  securityRequirements: [{ schemes: { bearer: { list: [] } } }]
}

/** The card of an agent that is reached at `url`: what it offers there, preferred first. */
export const make = (description: AgentDescription, url: string, security: AgentSecurity = noSecurity): AgentCard => ({
  name: description.name,
  description: description.description,
  version: description.version,
  supportedInterfaces: [
    { url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" },
    { url: url.replace(/\/+$/, ""), protocolBinding: "HTTP+JSON", tenant: "", protocolVersion: "1.0" },
    { url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "0.3" }
  ],
  provider: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [tokenExtension], extendedAgentCard: false },
  ...security,
  defaultInputModes: ["text/plain", "application/json"],
  defaultOutputModes: ["text/plain", "application/json"],
  skills: [{
    ...description.skill,
    tags: [...description.skill.tags],
    examples: [],
    inputModes: [],
    outputModes: [],
    securityRequirements: []
  }],
  signatures: []
})

type Json = Readonly<Record<string, unknown>>

/** The document for clients of 1.0: ProtoJSON and nothing else. */
export const toCurrentJson = (card: AgentCard): Json => AgentCard.toJSON(card) as Json

/** The document for clients of 0.3: what its specification names, for the interfaces of that version only. */
export const toLegacyJson = (card: AgentCard): Json => {
  const { capabilities, securityRequirements: _, supportedInterfaces: __, securitySchemes: ___, ...same } =
    toCurrentJson(card)
  const { extendedAgentCard: ____, ...legacyCapabilities } = capabilities as Json
  return { ...same, capabilities: legacyCapabilities, ...legacyMembers(card), ...legacySecurity(card) }
}

/** The document for a client that does not say which version it reads. */
export const toJson = (card: AgentCard): Json => {
  const current = toCurrentJson(card)
  const { securitySchemes = {}, ...security } = legacySecurity(card)
  return {
    ...current,
    ...legacyMembers(card),
    ...security,
    ...(current["securitySchemes"] === undefined ? {} : {
      securitySchemes: Object.fromEntries(
        Object.entries(current["securitySchemes"] as Readonly<Record<string, Json>>).map(
          ([name, scheme]) => [name, { ...securitySchemes[name], ...scheme }]
        )
      )
    })
  }
}

/** What only 0.3 has. */
const legacyMembers = (card: AgentCard): Json => {
  const interfaces = card.supportedInterfaces.filter((each) => each.protocolVersion === "0.3")
  return {
    protocolVersion: "0.3.0",
    url: interfaces[0]?.url,
    preferredTransport: interfaces[0]?.protocolBinding,
    additionalInterfaces: interfaces.map((each) => ({ url: each.url, transport: each.protocolBinding })),
    supportsAuthenticatedExtendedCard: card.capabilities?.extendedAgentCard === true
  }
}

const legacySecurity = (
  card: AgentCard
): { readonly securitySchemes?: Readonly<Record<string, Json>>; readonly security?: ReadonlyArray<Json> } =>
  card.securityRequirements.length === 0 ? {} : {
    securitySchemes: Object.fromEntries(
      Object.entries(card.securitySchemes).map(([name, scheme]) => [name, toLegacyScheme(scheme)])
    ),
    security: card.securityRequirements.map(({ schemes }) =>
      Object.fromEntries(Object.entries(schemes).map(([name, scopes]) => [name, scopes.list]))
    )
  }

/** The `type` of a scheme in OpenAPI, and its members that are named otherwise there. */
const LEGACY_TYPES: Readonly<
  Record<string, { readonly type: string; readonly renamed?: Readonly<Record<string, string>> }>
> = {
  apiKeySecurityScheme: { type: "apiKey", renamed: { location: "in" } },
  httpAuthSecurityScheme: { type: "http" },
  oauth2SecurityScheme: { type: "oauth2" },
  openIdConnectSecurityScheme: { type: "openIdConnect" },
  mtlsSecurityScheme: { type: "mutualTLS" }
}

/** A scheme of security in OpenAPI's form. */
const toLegacyScheme = (scheme: SecurityScheme): Json => {
  const [[name, members] = ["", {}]] = Object.entries(SecurityScheme.toJSON(scheme) as Readonly<Record<string, Json>>)
  const { renamed = {}, type } = LEGACY_TYPES[name] ?? { type: name }
  return {
    type,
    ...Object.fromEntries(Object.entries(members).map(([member, value]) => [renamed[member] ?? member, value]))
  }
}
