/**
 * The campaign that is played: its tasks differ in name alone, and are graded by a look at the text, so that the green
 * agent has little to do.
 */
import { byItself } from "../../src/agents/FollowedTask.ts"
import { asItCan } from "../../src/campaign/AgentFollowing.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { defaultPolicy } from "../../src/campaign/FailurePolicy.ts"
import type { Seats } from "../../src/campaign/Seat.ts"
import type { Task } from "../../src/grading/Task.ts"
import { defaults } from "../../src/liveness/LivenessLimits.ts"
import { MODEL } from "../relay/calls.ts"
import type { Played } from "./calls.ts"

const MOST_TASKS = 100
const AGENT = "purple"
const ENGINE = "engine"

/** As many battles as asked for, or a few more, so that every task has equally many. */
export const battlesOf = (asked: number): { readonly tasks: number; readonly repetitions: number } => {
  const repetitions = Math.ceil(asked / MOST_TASKS)
  return { tasks: Math.ceil(asked / repetitions), repetitions }
}

export const taskOf = (index: number): Task => ({
  id: `task-${index}`,
  prompt: `Say something long about ${index}.`,
  grader: { _tag: "TextMatch", rule: { _tag: "Contains", expected: "token" } }
})

/** Its definition. `resume` finds the engine by it. */
export const definitionOf = ({ battles, concurrency, engineUrl }: Played): Definition => {
  const { repetitions, tasks } = battlesOf(battles)
  return {
    id: "bench",
    tasks: [taskOf(0), ...Array.from({ length: tasks - 1 }, (_, index) => taskOf(index + 1))],
    engines: [{ name: ENGINE, url: engineUrl, keyVariable: null, concurrency: null, onModelChange: "stop" }],
    agents: [{
      name: AGENT,
      engine: ENGINE,
      concurrency: null,
      following: asItCan,
      kind: { _tag: "Model", model: MODEL, maxTokens: 4096 }
    }],
    judge: null,
    repetitions,
    concurrency: { _tag: "Fixed", battles: concurrency },
    seed: 1,
    policy: defaultPolicy,
    limits: defaults,
    stallPolicy: "enforce",
    hardCapMillis: null
  }
}

/** Both agents are processes of their own. */
export const seatsOf = ({ engineUrl, greenUrl, purpleUrl }: Played): Seats =>
  new Map([[AGENT, {
    greenUrl,
    participants: participantsOf(purpleUrl),
    endpoint: engineUrl,
    sandbox: null,
    following: byItself
  }]])

export const participantsOf = (purpleUrl: string) => ({ agent: purpleUrl })
