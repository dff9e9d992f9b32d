/**
 * A report as Markdown of GitHub's flavour: tables with pipes, folded tables as `details`, figures as files beside it.
 *
 * Law: every text of the document is escaped here and nowhere else, so what an agent wrote can neither begin a list, link
 * anywhere, mention anybody nor end a cell. The numbers of every figure stand in a table below it.
 */
import type { Block, Cell, Column, Document, Figure, Inline, Table, Text } from "./Document.ts"
import { figuresOf, isCell } from "./Document.ts"
import { visible } from "./visibleText.ts"

export interface MarkdownOptions {
  /** Where the file of a figure is, from where the report is; `null` leaves figures out. */
  readonly figurePath: ((id: string) => string) | null
}

/** Text that means itself wherever it stands. A full stop and a sign are only special at the beginning of a block. */
const escape = (text: string): string =>
  visible(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(/[\\`*_[\]|~$>]/g, "\\$&")
    // What GitHub would make a link of without being asked.
    .replaceAll(/:(?=\/\/)|(?<=www)\./gi, "\\$&")
    .replaceAll(/(?<!\w)@(?=\w)|@(?=[\w-]+\.)/g, "&#64;")

const atBeginning = (text: string): string =>
  text.replace(
    /^(\s*)(#+|[-+=!]|\d+[.)])/,
    (_, space: string, sign: string) => `${space}${sign.slice(0, -1)}\\${sign.at(-1)}`
  )

/** For a summary, which is HTML and no Markdown. */
const escapeHtml = (text: string): string =>
  visible(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** A code span that holds any text; in a table a pipe would end the cell even there. */
const codeSpan = (text: string): string => {
  const shown = visible(text).replaceAll("|", "\\|")
  const longest = Math.max(0, ...Array.from(shown.matchAll(/`+/g), ([run]) => run.length))
  const fence = "`".repeat(longest + 1)
  const padding = shown.startsWith("`") || shown.endsWith("`") || shown.trim() === "" ? " " : ""
  return `${fence}${padding}${shown}${padding}${fence}`
}

/** The anchor that GitHub gives a heading. */
const slug = (title: string): string => title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")

/** The text of the whole file. */
export const renderMarkdown = (document: Document, options: MarkdownOptions): string => {
  const anchors = new Map(document.sections.flatMap(({ blocks, id, title }) => [
    [id, slug(title)] as const,
    ...blocks.flatMap((block) => block._tag === "Figure" ? [[`figure-${block.id}`, slug(title)] as const] : [])
  ]))
  const numbers = new Map(figuresOf(document).map(({ id }, index) => [id, index + 1]))

  const inline = (piece: Inline): string => {
    if (typeof piece === "string") return escape(piece)
    switch (piece._tag) {
      case "Strong":
        // Beside a space the stars would stay stars.
        return escape(piece.text).replace(/^(\s*)(.*?)(\s*)$/s, "$1**$2**$3")
      case "Code":
        return codeSpan(piece.text)
      case "Link":
        return `[${escape(piece.text)}](#${anchors.get(piece.to) ?? piece.to})`
    }
  }
  const running = (text: Text): string => typeof text === "string" ? escape(text) : text.map(inline).join("")
  const block = (text: Text): string => atBeginning(running(text))

  const cellText = (cell: Cell | Text): string =>
    isCell(cell)
      ? [running(cell.text).trim(), ...cell.detail === undefined ? [] : [escape(cell.detail)]].join(" ")
      : running(cell).trim()
  const row = (cells: ReadonlyArray<string>): string =>
    `| ${cells.map((cell) => cell === "" ? " " : cell).join(" | ")} |`
  const rule = ({ numeric }: Column): string => numeric === true ? "---:" : "---"
  const table = ({ columns, rows }: Table): string =>
    [
      row(columns.map(({ title }) => escape(title))),
      row(columns.map(rule)),
      ...rows.map((cells) => row(columns.map((_, index) => cellText(cells[index] ?? ""))))
    ].join("\n")
  const withCaption = (shown: Table): string =>
    shown.folded === true
      ? `<details><summary>${escapeHtml(shown.caption)}</summary>\n\n${table(shown)}\n\n</details>`
      : `_${escape(shown.caption)}_\n\n${table(shown)}`

  const figure = (drawn: Figure): string =>
    [
      ...options.figurePath === null ? [] : [`![${escape(drawn.title)}](${options.figurePath(drawn.id)})`],
      `**Figure ${numbers.get(drawn.id)}. ${escape(drawn.title)}.** ${running(drawn.caption)}`,
      withCaption({ ...drawn.table, folded: true })
    ].join("\n\n")

  const rendered = (shown: Block): string => {
    switch (shown._tag) {
      case "Paragraph":
        return block(shown.text)
      case "Note":
        return `> **${shown.kind === "unknown" ? "Not known:" : "Beware:"}** ${running(shown.text)}`
      case "Items":
        return shown.items.map((item) => `- ${block(item)}`).join("\n")
      case "Terms":
        return shown.terms.map(({ term, text }) => `- **${escape(term)}**: ${running(text)}`).join("\n")
      case "Facts":
        return [
          row(["", "", ""]),
          row(["---", "---:", "---"]),
          ...shown.facts.map(({ detail, label, value }) =>
            row([escape(label), `**${escape(value)}**`, running(detail).trim()])
          )
        ].join("\n")
      case "Table":
        return withCaption(shown)
      case "Figure":
        return figure(shown)
    }
  }

  const [first, ...others] = document.sections.map(({ blocks, title }) =>
    [`## ${escape(title)}`, ...blocks.map(rendered)].join("\n\n")
  )
  return [
    `# ${escape(document.title)}`,
    block(document.subtitle),
    ...first === undefined ? [] : [first],
    "## Contents",
    document.sections.map(({ id, title }) => `- [${escape(title)}](#${anchors.get(id)})`).join("\n"),
    ...others
  ].join("\n\n") + "\n"
}
