/**
 * What a report says, without how it looks: sections of blocks that Markdown and HTML are both made from, so that no
 * number is worded twice.
 *
 * Law: nothing in it is markup. Every text is taken as it is, whoever wrote it, and each rendering escapes all of it.
 * A figure holds a function, so whoever wants no figures draws none, and a table of the same numbers, so that whoever sees
 * none misses none.
 */

/** A piece of running text. `Link` leads to a section or figure of the same document, by its id. */
export type Inline =
  | string
  | { readonly _tag: "Strong"; readonly text: string }
  | { readonly _tag: "Code"; readonly text: string }
  | { readonly _tag: "Link"; readonly text: string; readonly to: string }

export type Text = string | ReadonlyArray<Inline>

export interface Cell {
  readonly text: Text
  /** Below it, smaller. */
  readonly detail?: string
  /** How full its background is, 0 to 1; it never says more than its text. */
  readonly shade?: number
}

export interface Column {
  readonly title: string
  /** To the right, in figures of one width. */
  readonly numeric?: boolean
  /** Never broken into lines. */
  readonly whole?: boolean
  /** Sentences, which want some width. */
  readonly prose?: boolean
}

export interface Table {
  readonly _tag: "Table"
  readonly caption: string
  /** The first column names the row. */
  readonly columns: ReadonlyArray<Column>
  readonly rows: ReadonlyArray<ReadonlyArray<Cell | Text>>
  /** Closed until somebody opens it. */
  readonly folded?: boolean
}

export interface Figure {
  readonly _tag: "Figure"
  /** A name for a link and a file: small letters and hyphens. */
  readonly id: string
  readonly title: string
  /** What is to be seen, for who does not see it. */
  readonly description: string
  /** What it rests on. */
  readonly caption: Text
  /** The SVG at a width in pixels. */
  readonly draw: (width: number) => string
  readonly table: Table
}

export type Block =
  | { readonly _tag: "Paragraph"; readonly text: Text }
  /** Set apart: what is not known, what to beware of. */
  | { readonly _tag: "Note"; readonly kind: "unknown" | "beware"; readonly text: Text }
  | { readonly _tag: "Items"; readonly items: ReadonlyArray<Text> }
  | { readonly _tag: "Terms"; readonly terms: ReadonlyArray<{ readonly term: string; readonly text: Text }> }
  /** A few numbers that stand out. */
  | {
    readonly _tag: "Facts"
    readonly facts: ReadonlyArray<{ readonly label: string; readonly value: string; readonly detail: Text }>
  }
  | Table
  | Figure

export interface Section {
  /** A name for a link: small letters and hyphens. */
  readonly id: string
  readonly title: string
  readonly blocks: ReadonlyArray<Block>
}

export interface Document {
  readonly title: string
  readonly subtitle: Text
  readonly sections: ReadonlyArray<Section>
}

export const paragraph = (...text: ReadonlyArray<Inline>): Block => ({ _tag: "Paragraph", text })
export const unknown = (...text: ReadonlyArray<Inline>): Block => ({ _tag: "Note", kind: "unknown", text })
export const beware = (...text: ReadonlyArray<Inline>): Block => ({ _tag: "Note", kind: "beware", text })
export const items = (all: ReadonlyArray<Text>): Block => ({ _tag: "Items", items: all })
export const strong = (text: string): Inline => ({ _tag: "Strong", text })
export const code = (text: string): Inline => ({ _tag: "Code", text })
export const link = (text: string, to: string): Inline => ({ _tag: "Link", text, to })

export const isCell = (cell: Cell | Text): cell is Cell => typeof cell === "object" && !Array.isArray(cell)

/** All figures, in their order. */
export const figuresOf = ({ sections }: Document): ReadonlyArray<Figure> =>
  sections.flatMap(({ blocks }) => blocks.flatMap((block) => block._tag === "Figure" ? [block] : []))
