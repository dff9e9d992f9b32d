/**
 * Which keys a `campaign.toml` has, table by table; docs/campaign-file.md is about the same ones.
 *
 * A key is called as its flag is, where there is one. Tables inside a table are `anything` here, because each is
 * decoded for itself: what is wrong with one must not hide what is wrong with another.
 */
import * as Schema from "effect/Schema"
import * as is from "./fileValues.ts"

const optional = Schema.optionalKey

export const topTable = Schema.Struct({
  name: optional(is.someText),
  repeat: optional(is.count),
  seed: optional(is.whole),
  concurrency: optional(is.anything),
  "stall-policy": optional(is.word("enforce", "warn", "off")),
  "stall-limit": optional(is.time),
  "hard-cap": optional(is.time),
  liveness: optional(is.anything),
  policy: optional(is.anything),
  engine: optional(is.anything),
  agent: optional(is.anything),
  judge: optional(is.anything),
  task: optional(is.anything),
  "task-folders": optional(is.texts),
  "built-in-tasks": optional(is.anything)
})
export type TopTable = typeof topTable.Type

export const policyTable = Schema.Struct({
  attempts: optional(is.count),
  wait: optional(is.time),
  "engine-faults": optional(is.count),
  "breaker-failures": optional(is.count),
  "campaign-retries": optional(is.countOrNone),
  "campaign-time": optional(is.time),
  "campaign-tokens": optional(is.count)
})

export const adaptiveTable = Schema.Struct({ first: optional(is.count), most: is.count })

export const engineTable = Schema.Struct({
  name: is.someText,
  url: is.engineUrl,
  "key-variable": optional(is.variableName),
  concurrency: optional(is.anything),
  "on-model-change": optional(is.word("stop", "continue"))
})

export const agentTable = Schema.Struct({
  name: is.someText,
  engine: optional(is.someText),
  model: optional(is.someText),
  "max-tokens": optional(is.count),
  url: optional(is.address),
  "token-variable": optional(is.variableName),
  command: optional(is.someText),
  "working-directory": optional(is.someText),
  environment: optional(is.textTable),
  mode: optional(is.word("stream", "tap", "poll", "blocking")),
  tap: optional(is.someText),
  concurrency: optional(is.anything)
})
export type AgentTable = typeof agentTable.Type

export const judgeTable = Schema.Struct({
  engine: is.someText,
  model: optional(is.someText),
  "max-tokens": optional(is.count)
})

export const taskTable = Schema.Struct({
  id: is.someText,
  prompt: optional(is.someText),
  "prompt-file": optional(is.someText),
  grader: is.anything
})

/** A task that has a file of its own, which gives it its id unless it says another. */
export const taskFileTable = Schema.Struct({ ...taskTable.fields, id: optional(is.someText) })

const answer = {
  answer: optional(is.word("text", "code", "json")),
  language: optional(is.someText),
  path: optional(is.someText)
}

const tests = { function: is.someText, tests: optional(is.anything), "tests-file": optional(is.someText) }

/** The keys of a grader by its kind; those of kind `text` by what it matches. */
export const graderTables = {
  "javascript-tests": Schema.Struct({ kind: is.text, ...tests }),
  "python-tests": Schema.Struct({ kind: is.text, ...tests }),
  "json-schema": Schema.Struct({
    kind: is.text,
    schema: optional(is.anything),
    "schema-file": optional(is.someText),
    ...answer
  }),
  model: Schema.Struct({
    kind: is.text,
    rubric: optional(is.someText),
    "rubric-file": optional(is.someText),
    "passing-score": optional(is.share),
    ...answer
  }),
  command: Schema.Struct({
    kind: is.text,
    command: is.command,
    "working-directory": optional(is.someText),
    "time-limit": optional(is.time),
    "passing-score": optional(is.share),
    ...answer
  })
}

const part = { kind: is.text, match: is.text, "ignore-case": optional(is.truth), ...answer }

export const textTables = {
  exact: Schema.Struct({ ...part, expected: is.text }),
  contains: Schema.Struct({ ...part, expected: is.someText }),
  regex: Schema.Struct({ kind: is.text, match: is.text, pattern: is.someText, flags: optional(is.text), ...answer }),
  number: Schema.Struct({
    kind: is.text,
    match: is.text,
    expected: is.number,
    tolerance: optional(is.notNegative),
    ...answer
  })
}

export const testTable = Schema.Struct({ arguments: is.list, expected: is.anything })
