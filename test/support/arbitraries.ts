/** Generators of the things that flow, for property tests. */
import * as Schema from "effect/Schema"
import { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { TokenEvent } from "../../src/token/TokenEvent.ts"

/** Any list of token events, in any order: laws about encodings must not depend on sensible streams. */
export const tokenEvents = Schema.Array(TokenEvent)

/** Any list of task events. */
export const taskEvents = Schema.Array(TaskEvent)
