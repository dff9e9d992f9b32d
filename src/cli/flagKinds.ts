/**
 * The kinds of flags there are. Each has an environment variable and a name for its value, and its description ends
 * with its default.
 *
 * Gotcha: an empty variable counts as none. The bounds of a number are checked where it is a flag; those in a variable
 * must be checked again by whoever uses it.
 */
import * as Flag from "effect/cli/Flag"
import * as Config from "effect/Config"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { MillisFromText, TimeFromText } from "../text/DurationText.ts"

export const positive = Schema.Int.check(Schema.isGreaterThan(0))
export const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
export const notNegative = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** `CAMPAIGN_STALL_LIMIT` for `stall-limit`. */
export const variableOf = (name: string): string => `CAMPAIGN_${name.toUpperCase().replaceAll("-", "_")}`

export const text = (name: string, options: { readonly metavar: string; readonly description: string }) =>
  Flag.String(name).pipe(
    Flag.withMetavar(options.metavar),
    Flag.withDescription(options.description),
    Flag.withFallbackConfig(Config.String(variableOf(name)))
  )

export const integer = (
  name: string,
  options: { readonly schema: typeof positive; readonly default: number; readonly description: string }
) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withSchema(options.schema),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Int(variableOf(name))),
    Flag.withDefault(options.default)
  )

export const number = (
  name: string,
  options: {
    readonly metavar: string
    readonly schema: typeof notNegative
    readonly default: number
    readonly description: string
  }
) =>
  Flag.Finite(name).pipe(
    Flag.withMetavar(options.metavar),
    Flag.withSchema(options.schema),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Finite(variableOf(name))),
    Flag.withDefault(options.default)
  )

export const choice = <const Choices extends readonly [string, ...ReadonlyArray<string>]>(
  name: string,
  options: { readonly choices: Choices; readonly default: Choices[number]; readonly description: string }
) =>
  Flag.Literals(name, options.choices).pipe(
    Flag.withMetavar("KIND"),
    Flag.withDescription(`${options.description} (${options.default})`),
    Flag.withFallbackConfig(Config.Literals(options.choices, variableOf(name))),
    Flag.withDefault(options.default)
  )

export const switchedOn = (name: string, description: string) =>
  Flag.Boolean(name).pipe(
    Flag.withDescription(description),
    Flag.withFallbackConfig(Config.Boolean(variableOf(name))),
    Flag.withDefault(false)
  )

/** Undefined if not given. */
export const optional = <A>(flag: Flag.Flag<A>) => flag.pipe(Flag.optional, Flag.map(Option.getOrUndefined))

const duration = (schema: typeof MillisFromText) => (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription(description),
    Flag.withSchema(schema),
    Flag.withFallbackConfig(Config.schema(schema, variableOf(name))),
    optional
  )

/** A time in milliseconds, undefined if not given; the description tells the default. */
export const time = duration(MillisFromText)

/** A time with its unit in milliseconds, undefined if not given. */
export const timeWithUnit = duration(TimeFromText)

/** A number of tokens, undefined if not given. */
export const tokens = (name: string, description: string) =>
  Flag.Int(name).pipe(
    Flag.withMetavar("N"),
    Flag.withDescription(description),
    Flag.withSchema(count),
    Flag.withFallbackConfig(Config.schema(count, variableOf(name))),
    optional
  )
