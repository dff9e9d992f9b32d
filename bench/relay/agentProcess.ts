/**
 * The process of one of the agents that are compared; it ends with the scope.
 */
import * as Child from "../support/Child.ts"
import type { AgentName, Calls } from "./calls.ts"

const scripts: Record<AgentName, URL> = {
  ours: new URL("./ourAgent.ts", import.meta.url),
  raw: new URL("./rawAgent.ts", import.meta.url),
  sdk: new URL("./sdkAgent.ts", import.meta.url)
}

/** A process that is told with `startAgent` to listen. */
export const startAgentProcess = (agent: AgentName) => Child.start<Calls>(`agent "${agent}"`, scripts[agent])
