/**
 * `--fail-on-error`: how many battles may be without a score before a campaign that is done counts as failed (exit code
 * 100): a number, or a share of them as a fraction or in percent.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { BattleCounts } from "../campaign/CampaignSummary.ts"
import { optional, variableOf } from "./flagKinds.ts"

export interface FailOnError {
  /** What was written. */
  readonly text: string
  /** More than so many are too many; of `planned` battles. */
  readonly allowed: (planned: number) => number
}

const expected = "a number of battles such as 5, or a share such as 0.1 or 10%"

/** The rule of a text, if it is one. */
export const parse = (text: string): FailOnError | undefined => {
  const written = text.trim()
  if (/^\d+$/.test(written)) return { text: written, allowed: () => Number(written) }
  const percent = /^(\d+(?:\.\d+)?)\s*%$/.exec(written)?.[1]
  const share = percent === undefined
    ? (/^0?\.\d+$|^1\.0+$/.test(written) ? Number(written) : undefined)
    : Number(percent) / 100
  return share === undefined || share > 1 ? undefined : { text: written, allowed: (planned) => share * planned }
}

/** What is wrong with the results, if there is more of it than allowed. */
export const excessOf = ({ allowed, text }: FailOnError, { planned, unscored }: BattleCounts): string | undefined =>
  unscored > allowed(planned)
    ? `${unscored} of ${planned} battles have no score, more than --fail-on-error ${text} allows`
    : undefined

const FailOnErrorText = Schema.String.check(
  Schema.makeFilter((text: string) => parse(text) === undefined ? `Expected ${expected}; got "${text}"` : undefined)
).pipe(
  Schema.decodeTo(
    Schema.declare((value): value is FailOnError => typeof value === "object"),
    SchemaTransformation.transform({ decode: (text) => parse(text)!, encode: ({ text }) => text })
  )
)

export const failOnError = optional(
  Flag.String("fail-on-error").pipe(
    Flag.withMetavar("N|SHARE"),
    Flag.withDescription(
      "Exit with 100 if more battles than that end without a score: a number, or a share such as 10% (any)"
    ),
    Flag.withSchema(FailOnErrorText),
    Flag.withFallbackConfig(Config.schema(FailOnErrorText, variableOf("fail-on-error")))
  )
)
