/**
 * A report as one HTML file that needs nothing else: no network, no script, its style and figures inside.
 *
 * Laws: every text of the document is escaped here and nowhere else; the content security policy allows the one style
 * sheet, by its hash, and nothing more, so even what would get past the escaping could load and run nothing. It is read in
 * light and dark, on paper, at the width of a telephone and by a screen reader.
 *
 * Figures are drawn twice, for a page and for a telephone, because a picture that is shrunk to half its width cannot be
 * read; style shows one of them.
 */
import { createHash } from "node:crypto"
import type { Block, Cell, Column, Document, Figure, Inline, Section, Table, Text } from "./Document.ts"
import { figuresOf, isCell } from "./Document.ts"
import { reportStyle } from "./reportStyle.ts"
import { visible } from "./visibleText.ts"

/** Pixels of a figure on a page, and on a telephone. */
const PAGE_WIDTH = 680
const PHONE_WIDTH = 344

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "\"": "&quot;",
  "'": "&#39;"
}

/** Text for an element or a quoted attribute. */
const escape = (text: string): string => visible(text).replaceAll(/[&<>"']/g, (character) => escapes[character]!)

const inline = (piece: Inline): string => {
  if (typeof piece === "string") return escape(piece)
  switch (piece._tag) {
    case "Strong":
      return `<strong>${escape(piece.text)}</strong>`
    case "Code":
      return `<code>${escape(piece.text)}</code>`
    case "Link":
      return `<a href="#${escape(piece.to)}">${escape(piece.text)}</a>`
  }
}

const running = (text: Text): string => typeof text === "string" ? escape(text) : text.map(inline).join("")

/** The whole file. */
export const renderHtml = (document: Document): string => {
  const figures = new Map(figuresOf(document).map(({ id }, index) => [id, index + 1]))
  const hash = createHash("sha256").update(reportStyle).digest("base64")
  const [first, ...others] = document.sections.map((of) => section(of, figures))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escape(document.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escape(document.title)}</h1>
<p class="subtitle">${running(document.subtitle)}</p>
</header>
<main>
${first ?? ""}
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
${document.sections.map(({ id, title }) => `<li><a href="#${id}">${escape(title)}</a></li>`).join("\n")}
</ol>
</nav>
${others.join("\n")}
</main>
</body>
</html>
`
}

const section = ({ blocks, id, title }: Section, figures: ReadonlyMap<string, number>): string =>
  `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escape(title)}</h2>
${blocks.map((block, index) => rendered(block, `${id}-${index}`, figures)).join("\n")}
</section>`

/** `id` is for what of it must be named. */
const rendered = (block: Block, id: string, figures: ReadonlyMap<string, number>): string => {
  switch (block._tag) {
    case "Paragraph":
      return `<p>${running(block.text)}</p>`
    case "Note":
      return `<p class="note ${block.kind}"><strong>${labels[block.kind]}</strong> ${running(block.text)}</p>`
    case "Items":
      return `<ul>${block.items.map((item) => `<li>${running(item)}</li>`).join("\n")}</ul>`
    case "Terms":
      return `<dl>${
        block.terms.map(({ term, text }) => `<dt>${escape(term)}</dt><dd>${running(text)}</dd>`).join("\n")
      }</dl>`
    case "Facts":
      return `<dl class="facts">${
        block.facts.map(({ detail, label, value }) =>
          `<div><dt>${escape(label)}</dt><dd class="value">${escape(value)}</dd><dd class="detail">${
            running(detail)
          }</dd></div>`
        ).join("\n")
      }</dl>`
    case "Table":
      return folded(block, table(block, id))
    case "Figure":
      return figure(block, id, figures.get(block.id)!)
  }
}

const labels = { unknown: "Not known:", beware: "Beware:" } as const

const folded = ({ caption, folded: closed, rows }: Table, shown: string): string =>
  closed === true
    ? `<details><summary>${escape(caption)} (${rows.length} ${
      rows.length === 1 ? "row" : "rows"
    })</summary>${shown}</details>`
    : shown

const table = ({ caption, columns, rows }: Table, id: string): string =>
  // It can be scrolled by itself where it is wider than the page, also by keyboard; its caption stays.
  `<p class="caption" id="${id}">${escape(caption)}</p>
<div class="scroll" role="group" aria-labelledby="${id}" tabindex="0"><table aria-labelledby="${id}">
<thead><tr>${
    columns.map(({ numeric, title }) =>
      `<th scope="col"${numeric === true ? ` class="number"` : ""}>${escape(title)}</th>`
    )
      .join("")
  }</tr></thead>
<tbody>${
    rows.map((row) => `<tr>${row.map((cell, index) => rowCell(cell, index === 0, columns[index])).join("")}</tr>`).join(
      "\n"
    )
  }</tbody>
</table></div>`

const rowCell = (cell: Cell | Text, isName: boolean, column: Column | undefined): string => {
  const { detail, shade, text } = isCell(cell) ? cell : { text: cell, shade: undefined, detail: undefined }
  const classes = [
    ...column?.numeric === true ? ["number"] : [],
    ...column?.whole === true ? ["whole"] : [],
    ...column?.prose === true ? ["prose"] : [],
    ...shade === undefined ? [] : [`shade-${Math.round(Math.max(0, Math.min(1, shade)) * 5)}`]
  ]
  const attributes = [
    ...isName ? [`scope="row"`] : [],
    ...classes.length === 0 ? [] : [`class="${classes.join(" ")}"`]
  ]
  const name = isName ? "th" : "td"
  return `<${[name, ...attributes].join(" ")}>${running(text)}${
    detail === undefined ? "" : `<span class="detail"> ${escape(detail)}</span>`
  }</${name}>`
}

const figure = (drawn: Figure, id: string, number: number): string =>
  `<figure id="figure-${drawn.id}">
<div class="page-width">${drawn.draw(PAGE_WIDTH)}</div>
<div class="phone-width">${drawn.draw(PHONE_WIDTH)}</div>
<figcaption><strong>Figure ${number}. ${escape(drawn.title)}.</strong> ${running(drawn.caption)}</figcaption>
${folded({ ...drawn.table, folded: true }, table(drawn.table, id))}
</figure>`
