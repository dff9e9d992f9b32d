/**
 * What all scenarios of AgentBeats come to, whatever they are written in: one agent under test, which is the
 * participants together, and one task, which is the assessment by their green agent.
 *
 * Law: who cannot be reached is not in the settings: a container image is none of our agents until somebody has started
 * it and says where it is.
 */
import type { Task } from "../../grading/Task.ts"
import type { AgentAddress, AgentDefinition, Participant } from "../AgentDefinition.ts"
import { asItCan } from "../AgentFollowing.ts"
import type { ConfigPath } from "./ConfigDocument.ts"
import type { Reading } from "./Reading.ts"

/** How the addresses of agents are given that a scenario does not give, in the words of the command. */
export const ADDRESS_FLAG = "--address ROLE=URL"

/** The definition of the agent under test and of its task. */
export const scenarioOf = (
  evaluator: AgentAddress,
  [first, ...rest]: readonly [Participant, ...ReadonlyArray<Participant>],
  config: unknown,
  score: string | null
): { readonly agent: AgentDefinition; readonly task: Task } => ({
  agent: {
    name: [first, ...rest].map(({ role }) => role).join(" + "),
    engine: null,
    concurrency: null,
    following: asItCan,
    kind: { _tag: "Scenario", evaluator, participants: [first, ...rest] }
  },
  task: {
    id: "assessment",
    prompt: "The assessment that the scenario's green agent makes of its participants.",
    grader: { _tag: "Evaluator", config, score }
  }
})

/** Tells roles that two participants have. */
export const tellRepeatedRoles = (
  reading: Reading,
  placed: ReadonlyArray<{ readonly role: string; readonly path: ConfigPath }>
): void => {
  const seen = new Set<string>()
  for (const { path, role } of placed) {
    if (seen.has(role)) reading.refuse(path, `another participant is "${role}" too; give one of them another role`)
    seen.add(role)
  }
}
