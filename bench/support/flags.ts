/**
 * Flags that several benches have.
 */
import * as Flag from "effect/cli/Flag"
import * as Schema from "effect/Schema"

/** A whole number above zero. */
export const count = (name: string, byDefault: number, description: string) =>
  Flag.Int(name).pipe(
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(0))),
    Flag.withDescription(description),
    Flag.withDefault(byDefault)
  )

/** One or more of some names, separated by commas; all of them unless given. */
export const names = <const Name extends string>(
  name: string,
  description: string,
  all: readonly [Name, ...ReadonlyArray<Name>]
) =>
  Flag.String(name).pipe(
    Flag.withMetavar("NAME,NAME"),
    Flag.withDescription(`${description}, separated by commas: ${all.join(", ")}`),
    Flag.mapTryCatch(
      (text) => Schema.decodeUnknownSync(Schema.NonEmptyArray(Schema.Literals(all)))(text.split(",")),
      () => `${name} are names out of ${all.join(", ")}, separated by commas`
    ),
    Flag.withDefault(all as ReadonlyArray<Name>)
  )

/** For programs. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print one JSON object on stdout instead of the tables"),
  Flag.withDefault(false)
)
