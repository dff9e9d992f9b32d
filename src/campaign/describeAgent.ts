/** Who is under test, in words. */
import type { AgentAddress, AgentDefinition } from "./AgentDefinition.ts"
import { type AgentFollowing, textOfTap } from "./AgentFollowing.ts"
import type { EngineDefinition } from "./EngineDefinition.ts"

/** One agent, with where it is. */
export const describeAgent = (
  { engine, following, kind }: AgentDefinition,
  engines: ReadonlyArray<Pick<EngineDefinition, "name" | "url">>
): string => {
  const named = engines.find(({ name }) => name === engine)
  switch (kind._tag) {
    case "Model":
      return `${kind.model === null ? "whatever model is served by" : `model ${kind.model} of`} ${
        named === undefined || named.url === null
          ? "the simulated engine of this package"
          : `the engine at ${named.url}`
      }, at most ${kind.maxTokens} tokens`
    case "Agent":
      return `the A2A agent at ${describeAddress(kind.address)}${
        engine === null ? "" : `, in front of engine ${engine}`
      }${describeFollowing(following)}`
    case "Scenario": {
      const participants = kind.participants.map(({ address, role }) => `${role} at ${describeAddress(address)}`)
      return `${participants.join(", ")}; assessed by the green agent at ${describeAddress(kind.evaluator)}${
        describeFollowing(following)
      }`
    }
  }
}

const describeAddress = ({ command, url }: AgentAddress): string =>
  command === null ? url : `${url} (started by: ${command.line})`

/** Nothing where nobody has asked for anything. */
const describeFollowing = ({ mode, tap }: AgentFollowing): string =>
  [
    ...mode === null ? [] : [`mode ${mode}`],
    ...tap === null ? [] : [`tap ${textOfTap(tap)}`]
  ].map((text) => `, ${text}`).join("")
