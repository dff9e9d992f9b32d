/**
 * The help of a verb for a terminal of a given width. Effect's own renderer puts every description behind the longest
 * flag and leaves the wrapping to the terminal, which is unreadable for a verb with many flags.
 *
 * Law: no line is wider than the terminal, unless a single word is. Flags stand in their order; `HelpSections` may divide
 * them. A command that is too long goes on in the next line, so that it can be copied as it stands.
 */
import { displayWidth } from "effect/cli/CliOutput"
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Context from "effect/Context"
import * as Option from "effect/Option"

/** An annotation of a command: the titles of sections of its flags, each under the name of the section's first flag. */
export const HelpSections = Context.Reference<Readonly<Record<string, string>>>("a2a-campaign/HelpSections", {
  defaultValue: () => ({})
})

export interface HelpOptions {
  readonly columns: number
  readonly color: boolean
}

/** A name with what it means. */
interface Entry {
  readonly name: string
  readonly meaning: string
}

// Wide enough for most flags; longer ones have a line of their own.
const longestName = 28

/** How wide a text may be: as the terminal, also behind a pager, and never wider than can be read; a table may be more. */
export const columnsOfTerminal = (most = 100): number =>
  Math.min(process.stdout.columns || process.stderr.columns || 80, most)

/** Breaks a text between its words. */
const wrap = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && displayWidth(last) + 1 + displayWidth(word) <= columns) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(word)
  }
  return lines
}

/** The lines of a text, each behind so many spaces. */
export const indented = (text: string, columns: number, by: number): ReadonlyArray<string> =>
  wrap(text, columns - by).map((line) => " ".repeat(by) + line)

/** Ways to write; none without colour. */
export const styles = (color: boolean) => {
  const style = (code: number) => (text: string) => color ? `\u001b[${code}m${text}\u001b[0m` : text
  return { bold: style(1), dim: style(2), green: style(32), cyan: style(36) }
}

const entryOf = (flag: FlagDoc): Entry => ({
  name: [`--${flag.name}`, ...flag.aliases].join(", ") + (flag.type === "boolean" ? "" : ` ${flag.type}`),
  meaning: Option.getOrElse(flag.description, () => "")
})

/** The flags, divided where a section begins; those before the first section have no title. */
const sectionsOf = (doc: HelpDoc): ReadonlyArray<{ readonly title: string; readonly flags: Array<FlagDoc> }> => {
  const titles = Context.get(doc.annotations, HelpSections)
  const sections = [{ title: "FLAGS", flags: new Array<FlagDoc>() }]
  for (const flag of doc.flags) {
    const title = titles[flag.name]
    if (title !== undefined) sections.push({ title: `FLAGS: ${title.toUpperCase()}`, flags: [] })
    sections.at(-1)!.flags.push(flag)
  }
  return sections.filter(({ flags }) => flags.length > 0)
}

/** The whole help, without a line break at its end. */
export const renderHelp = (doc: HelpDoc, { color, columns }: HelpOptions): string => {
  const { bold, cyan, dim, green } = styles(color)

  const table = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
    const widest = Math.max(0, ...entries.map(({ name }) => displayWidth(name)).filter((width) => width <= longestName))
    return entries.flatMap(({ meaning, name }) => {
      const lines = indented(meaning, columns, widest + 4)
      const first = `  ${green(name)}`
      if (displayWidth(name) > widest) return [first, ...lines]
      return [first + " ".repeat(widest + 2 - displayWidth(name)) + (lines[0] ?? "").trimStart(), ...lines.slice(1)]
    })
  }
  const command = (text: string): ReadonlyArray<string> => {
    const flags = text.split(/ (?=--)/)
    const lines: Array<string> = []
    for (const flag of flags) {
      const last = lines.at(-1)
      // Two more for the backslash.
      if (last !== undefined && displayWidth(last) + displayWidth(flag) + 3 <= columns) {
        lines[lines.length - 1] = `${last} ${flag}`
      } else lines.push((last === undefined ? "  " : "    ") + flag)
    }
    return lines.map((line, index) => cyan(index < lines.length - 1 ? `${line} \\` : line))
  }

  const blocks: Array<readonly [title: string, lines: ReadonlyArray<string>]> = [
    ["DESCRIPTION", indented(doc.description, columns, 2)],
    ["USAGE", [`  ${cyan(doc.usage)}`]],
    [
      "ARGUMENTS",
      table((doc.args ?? []).map((argument) => ({
        name: `${argument.name} ${argument.type}`,
        meaning: Option.getOrElse(argument.description, () => "")
      })))
    ],
    ...sectionsOf(doc).map(({ flags, title }) => [title, table(flags.map(entryOf))] as const),
    ...(doc.subcommands ?? []).map(({ commands, group }) =>
      [
        group ?? "SUBCOMMANDS",
        table(
          commands.map(({ description, name, shortDescription }) => ({
            name,
            meaning: shortDescription ?? description
          }))
        )
      ] as const
    ),
    ["GLOBAL FLAGS", table((doc.globalFlags ?? []).map(entryOf))],
    [
      "EXAMPLES",
      (doc.examples ?? []).flatMap((example) => [
        ...(example.description === undefined ? [] : indented(`# ${example.description}`, columns, 2).map(dim)),
        ...command(example.command)
      ])
    ]
  ]
  return blocks.filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [bold(title), ...lines].join("\n"))
    .join("\n\n")
}
