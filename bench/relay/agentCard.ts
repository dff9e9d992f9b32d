/**
 * The card of the two agents that are not ours: A2A 1.0 over JSON-RPC, with streaming.
 */
import type { AgentCard } from "@a2a-js/sdk"

export const agentCard = (name: string, url: string): AgentCard => ({
  name,
  description: "Answers a message with the tokens of its engine, one by one.",
  version: "1.0.0",
  supportedInterfaces: [{ url, protocolBinding: "JSONRPC", tenant: "", protocolVersion: "1.0" }],
  provider: undefined,
  capabilities: { streaming: true, pushNotifications: false, extensions: [], extendedAgentCard: false },
  securitySchemes: {},
  securityRequirements: [],
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [],
  signatures: []
})
