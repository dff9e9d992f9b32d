/**
 * What identifies a campaign, as one short text: the SHA-256 of its canonical JSON.
 *
 * Laws: two settings have the same hash exactly if going on with one under the other would compare like with like: the
 * same tasks (prompt, grader), the same agents (kind, model, most tokens, roles), the same judge and the same seed, in
 * whatever order they stand. Addresses, commands, limits, policies, concurrency and repetitions do not count; `changesBetween` tells
 * about all of them.
 *
 * Gotcha: a task or an agent that is added changes the hash although the campaign may go on with it.
 */
import { createHash } from "node:crypto"
import type { Task } from "../../grading/Task.ts"
import type { AgentDefinition } from "../AgentDefinition.ts"
import type { CampaignSettings } from "./CampaignSettings.ts"
import { isTable } from "./ConfigDocument.ts"

/** JSON in which members stand in the order of their names. */
export const canonicalJson = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(canonicalJson).join(",")}]`
    : isTable(value)
    ? `{${
      Object.keys(value).filter((key) => value[key] !== undefined).toSorted()
        .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")
    }}`
    : JSON.stringify(value) ?? "null"

/** What of a grader decides about grades: not where on this machine a program of the user's runs. */
export const graderIdentity = ({ grader }: Task): unknown =>
  grader._tag === "Command" ? { ...grader, workingDirectory: undefined } : grader

/** What of an agent's kind decides about answers: not where it is. */
export const kindIdentity = ({ kind }: AgentDefinition): unknown => {
  switch (kind._tag) {
    case "Model":
      return kind
    case "Agent":
      return { _tag: kind._tag }
    case "Scenario":
      return { _tag: kind._tag, roles: kind.participants.map(({ role }) => role).toSorted() }
  }
}

/** What of a judge decides about grades. */
export const judgeIdentity = ({ judge }: Pick<CampaignSettings, "judge">): unknown =>
  judge === null ? null : { model: judge.model, maxTokens: judge.maxTokens }

/** In hexadecimal digits. */
export const configHash = (
  { agents, judge, seed, tasks }: Pick<CampaignSettings, "agents" | "judge" | "seed" | "tasks">
): string => {
  const byName = (left: readonly [string, unknown], right: readonly [string, unknown]) => left[0] < right[0] ? -1 : 1
  const identity = {
    seed,
    judge: judgeIdentity({ judge }),
    tasks: tasks.map((task) => [task.id, { prompt: task.prompt, grader: graderIdentity(task) }] as const).toSorted(
      byName
    ),
    agents: agents.map((agent) => [agent.name, kindIdentity(agent)] as const).toSorted(byName)
  }
  return createHash("sha256").update(canonicalJson(identity)).digest("hex")
}
