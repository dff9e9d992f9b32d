/**
 * The card of an agent of ours: one document that clients of A2A 1.0 and of 0.3 both read.
 *
 * A 1.0 client reads `supportedInterfaces`; a 0.3 client reads `url`, `preferredTransport` and `protocolVersion` at the
 * top and ignores the rest.
 */
import { AgentCard } from "@a2a-js/sdk"
import { duplicateInterfacesForLegacy } from "@a2a-js/sdk/compat/v0_3"
import { tokenExtension } from "./TokenExtension.ts"

export interface AgentDescription {
  readonly name: string
  readonly description: string
  readonly version: string
  readonly skill: {
    readonly id: string
    readonly name: string
    readonly description: string
    /** At least one: clients of 0.3 require the list, and the JSON of a card leaves out empty ones. */
    readonly tags: readonly [string, ...ReadonlyArray<string>]
  }
}

/** The card of an agent that is reached at `url`. */
export const make = (description: AgentDescription, url: string): AgentCard => ({
  name: description.name,
  description: description.description,
  version: description.version,
  supportedInterfaces: duplicateInterfacesForLegacy(
    [{ url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" }],
    ["JSONRPC"]
  ),
  provider: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [tokenExtension], extendedAgentCard: false },
  securitySchemes: {},
  securityRequirements: [],
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

/** The card's JSON document. */
export const toJson = (card: AgentCard): unknown => ({
  ...(AgentCard.toJSON(card) as Record<string, unknown>),
  url: card.supportedInterfaces[0]?.url,
  preferredTransport: "JSONRPC",
  protocolVersion: "0.3.0"
})
