/**
 * What is wrong with a file of settings: for each problem one line that names the file, the place, the key, what was
 * expected and what to do.
 *
 * Law: no problem shows a value that may be a secret.
 */
import * as Schema from "effect/Schema"

/** One thing that is wrong. */
export const ConfigProblem = Schema.Struct({
  /** The file as the user named it; of a flag or a variable, what it is called. */
  file: Schema.String,
  /** From 1; `null` where nothing has a place, as in a flag. */
  line: Schema.NullOr(Schema.Int),
  column: Schema.NullOr(Schema.Int),
  /** `agent[2].max-tokens`; empty for the file as a whole. */
  path: Schema.String,
  text: Schema.String
})
export type ConfigProblem = typeof ConfigProblem.Type

/** Why settings cannot be a campaign. */
export const ConfigErrorReason = Schema.TaggedUnion({
  /** The file cannot be read at all. */
  Unreadable: { file: Schema.String, detail: Schema.String },
  /** It is not in the language that its name or its first character says. */
  Syntax: { file: Schema.String, line: Schema.Int, column: Schema.Int, detail: Schema.String },
  /** It is read, and cannot be a campaign. */
  Invalid: { problems: Schema.NonEmptyArray(ConfigProblem) }
})
export type ConfigErrorReason = typeof ConfigErrorReason.Type

const lineOf = ({ column, file, line, path, text }: ConfigProblem): string =>
  `${file}${line === null ? "" : `:${line}:${column ?? 1}`}: ${path === "" ? "" : `${path}: `}${text}`

/** Settings cannot be a campaign. */
export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  /** All that is wrong with them. */
  reason: ConfigErrorReason
}) {
  /** One line for each problem. */
  override get message(): string {
    return ConfigErrorReason.match(this.reason, {
      Unreadable: ({ detail, file }) => `${file}: cannot be read (${detail}); check its name and your permissions`,
      Syntax: ({ column, detail, file, line }) => `${file}:${line}:${column}: ${detail}`,
      Invalid: ({ problems }) => problems.map(lineOf).join("\n")
    })
  }
}

/** An error of syntax. */
export const syntaxError = (
  file: string,
  place: { readonly line: number; readonly column: number },
  detail: string
): ConfigError => new ConfigError({ reason: ConfigErrorReason.cases.Syntax.make({ file, ...place, detail }) })
