/**
 * What a client asks of a green agent: AgentBeats' assessment request, the text of a message, as JSON.
 *
 *     {"participants": {"<role>": "<url>"},
 *      "config": {"tasks": ["<built-in id>" | {task}, …], "repetitions": 1, "concurrency": 1, "seed": 42}}
 *
 * Our green agent plays every task against every participant; without `tasks` it plays its built-in ones. `repeat` means
 * the same as `repetitions`.
 *
 * Law: what is refused is refused in one line that says what was expected and what was found, before anything is played.
 *
 * Gotcha: keys beside `participants` and `config` are not read, as AgentBeats' own green agents do not read them; a key of
 * `config` that is not known is refused, because it was meant to change what is measured.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AddressRule from "../a2a/AddressRule.ts"
import { demonstrationTasks } from "../grading/DemonstrationTasks.ts"
import { oneLine } from "../grading/Grade.ts"
import { Task } from "../grading/Task.ts"
import { nearestName } from "../text/nearestName.ts"
import { type Participant, type PlannedBattle, planOf } from "./AssessmentPlan.ts"
import { largestResult } from "./AssessmentResult.ts"

/** Most battles of one request. */
const MOST_BATTLES = 10_000
/** Most battles at once. */
const MOST_AT_ONCE = 16
/** Longest id of a task and longest role, in UTF-16 units: both stand in every row of the result. */
const MOST_NAME = 200
const MOST_LINE = 500

/** What our own green agent reads of a config. */
export interface AssessmentConfig {
  readonly tasks?: ReadonlyArray<string | Task>
  readonly repetitions?: number
  readonly concurrency?: number
  readonly seed?: number
}

/** What is asked for, in the order in which it is played. */
export interface Assessment {
  /** At least one. */
  readonly battles: ReadonlyArray<PlannedBattle>
  /** Battles at once, from 1. */
  readonly concurrency: number
}

/** The text of a message that asks any green agent for an assessment; a config of `null` or `undefined` is an empty one. */
export const assessmentMessage = (participants: Readonly<Record<string, string>>, config: unknown): string =>
  JSON.stringify({ participants, config: config ?? {} })

const encodeTask = Schema.encodeSync(Task)

/** The text of a message that asks our own green agent. */
export const encode = ({ config, participants }: {
  readonly participants: Readonly<Record<string, string>>
  readonly config: AssessmentConfig
}): string => {
  const { tasks, ...rest } = config
  return assessmentMessage(participants, {
    ...rest,
    ...tasks === undefined ? {} : { tasks: tasks.map((task) => typeof task === "string" ? task : encodeTask(task)) }
  })
}

/** The assessment that a message asks for, or one line that says what was expected. */
export const decode = (text: string): Result.Result<Assessment, string> => Result.mapError(read(text), toLine)

const toLine = (reason: string): string => oneLine(reason, MOST_LINE)

const expected = "expected {\"participants\": {\"<role>\": \"<agent url>\"}, \"config\": {}} as JSON text"

const read = (text: string) =>
  Result.gen(function*() {
    const request = yield* Result.mapError(
      Result.try(() => JSON.parse(text) as unknown),
      () => text.trim() === "" ? `${expected}; found no text` : `${expected}; found ${shown(text)}, which is no JSON`
    )
    if (!isObject(request)) return yield* Result.fail(`${expected}; found ${shown(request)}`)
    const participants = yield* participantsOf(request["participants"])
    const config = request["config"] ?? {}
    if (!isObject(config)) return yield* Result.fail(`config: expected an object; found ${shown(config)}`)
    yield* refuseUnknown(config)
    const tasks = yield* tasksOf(config["tasks"])
    const repetitions = yield* repetitionsOf(config)
    const concurrency = yield* countOf(config["concurrency"], "config.concurrency", MOST_AT_ONCE)
    const seed = yield* seedOf(config["seed"])
    const count = tasks.length * participants.length * repetitions
    if (count > MOST_BATTLES) {
      return yield* Result.fail(
        `expected at most ${MOST_BATTLES} battles in one request; found ${tasks.length} tasks × ` +
          `${participants.length} participants × ${repetitions} repetitions = ${count}`
      )
    }
    const battles = planOf({ tasks, participants, repetitions, seed })
    const tooLarge = largestResult(battles)
    if (tooLarge !== undefined) return yield* Result.fail(tooLarge)
    const assessment: Assessment = { battles, concurrency }
    return assessment
  })

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A value as one may show it to whoever sent it. */
const shown = (value: unknown): string => oneLine(JSON.stringify(value) ?? "nothing", 80)

const participantsOf = (value: unknown): Result.Result<ReadonlyArray<Participant>, string> => {
  if (!isObject(value)) {
    return Result.fail(`participants: expected {"<role>": "<agent url>"}; found ${shown(value)}`)
  }
  const entries = Object.entries(value)
  if (entries.length === 0) {
    return Result.fail("participants: expected at least one role and its agent's url; found no participant")
  }
  const participants: Array<Participant> = []
  for (const [role, url] of entries) {
    if (role === "" || role.length > MOST_NAME) {
      return Result.fail(`participants: expected roles of 1 to ${MOST_NAME} characters; found ${shown(role)}`)
    }
    const where = `participant ${shown(role)}`
    if (typeof url !== "string") return Result.fail(`${where}: expected the url of its agent; found ${shown(url)}`)
    const place = AddressRule.placeOf(url)
    // The URL itself is not shown: it may hold a password.
    if (Result.isFailure(place)) return Result.fail(`${where}${addressOf(url)}: ${place.failure}`)
    participants.push({ role, url })
  }
  return Result.succeed(participants)
}

/** Where a URL points to, without what may be a password. */
const addressOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url === undefined ? "" : ` at ${url.protocol}//${url.host}${url.pathname}`
}

const keys = ["tasks", "repetitions", "repeat", "concurrency", "seed"]

const refuseUnknown = (config: Readonly<Record<string, unknown>>): Result.Result<void, string> => {
  const unknown = Object.keys(config).find((key) => !keys.includes(key))
  return unknown === undefined
    ? Result.succeed(undefined)
    : Result.fail(
      `config: unknown key ${shown(unknown)}; did you mean "${nearestName(unknown.slice(0, MOST_NAME), keys)}"? ` +
        `There are ${keys.join(", ")}`
    )
}

const decodeTask = Schema.decodeUnknownResult(Task)

const tasksOf = (value: unknown): Result.Result<ReadonlyArray<Task>, string> => {
  if (value === undefined) return Result.succeed(demonstrationTasks)
  if (!Array.isArray(value) || value.length === 0) {
    return Result.fail(`config.tasks: expected a list of built-in ids or tasks; found ${shown(value)}`)
  }
  const builtIn = new Map(demonstrationTasks.map((task) => [task.id, task]))
  const tasks = new Map<string, Task>()
  for (const [index, each] of (value as ReadonlyArray<unknown>).entries()) {
    const where = `config.tasks[${index}]`
    const task = typeof each === "string" ? named(each, builtIn) : Result.mapError(
      decodeTask(each),
      ({ message }) => `expected a task {"id", "prompt", "grader"} or a built-in id; found ${shown(each)}: ${message}`
    )
    if (Result.isFailure(task)) return Result.fail(`${where}: ${task.failure}`)
    const { id } = task.success
    if (id.length > MOST_NAME) return Result.fail(`${where}: expected an id of at most ${MOST_NAME} characters`)
    if (tasks.has(id)) {
      return Result.fail(
        `${where}: expected tasks that differ in their ids; found ${shown(id)} twice (see "repetitions")`
      )
    }
    tasks.set(id, task.success)
  }
  return Result.succeed([...tasks.values()])
}

const named = (id: string, builtIn: ReadonlyMap<string, Task>): Result.Result<Task, string> => {
  const task = builtIn.get(id)
  if (task !== undefined) return Result.succeed(task)
  const ids = [...builtIn.keys()]
  return Result.fail(
    `no built-in task ${shown(id)}; did you mean "${nearestName(id.slice(0, MOST_NAME), ids)}"? There are ${
      ids.join(", ")
    }`
  )
}

const repetitionsOf = ({ repeat, repetitions }: Readonly<Record<string, unknown>>): Result.Result<number, string> =>
  repetitions !== undefined && repeat !== undefined && repetitions !== repeat
    ? Result.fail(`config: "repetitions" and "repeat" mean the same; found ${shown(repetitions)} and ${shown(repeat)}`)
    : repetitions === undefined
    ? countOf(repeat, "config.repeat", MOST_BATTLES)
    : countOf(repetitions, "config.repetitions", MOST_BATTLES)

/** A whole number from 1; 1 where there is none. */
const countOf = (value: unknown, where: string, most: number): Result.Result<number, string> =>
  value === undefined
    ? Result.succeed(1)
    : Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most
    ? Result.succeed(Number(value))
    : Result.fail(`${where}: expected a whole number from 1 to ${most}; found ${shown(value)}`)

const seedOf = (value: unknown): Result.Result<number | undefined, string> =>
  value === undefined || value === null
    ? Result.succeed(undefined)
    : Number.isSafeInteger(value)
    ? Result.succeed(Number(value))
    : Result.fail(`config.seed: expected a whole number; found ${shown(value)}`)
