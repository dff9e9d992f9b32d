/**
 * Where in an agent's answer that which is graded is found, as a task asks for it. Plain data, stored with the task;
 * `AnswerText.ts` finds it.
 *
 * Law: what is absent from the stored form has the default that stands beside it.
 * Gotcha: graders that run hidden tests have no such field, since they look for the code that defines their function.
 */
import * as Schema from "effect/Schema"

export const AnswerPlace = Schema.TaggedUnion({
  /** The whole answer without the white space at its ends. */
  Text: {},
  /** The last fenced block; with a language the last one that is marked with it ("python", "json"), in any case. */
  Code: { language: Schema.optionalKey(Schema.NonEmptyString) },
  /**
   * The JSON value in the last block fenced as `json`, else the first JSON value in the text; with a path ("a.b.0") what
   * stands there in it. A text found there is taken without its quotes, where text is asked for.
   */
  Json: { path: Schema.optionalKey(Schema.NonEmptyString) }
})
export type AnswerPlace = typeof AnswerPlace.Type
