/**
 * Draws a chart as SVG with Observable Plot, in linkedom's document: the only file that knows either.
 *
 * Laws: colours are variables of the page (`reportStyle.ts`), so that one drawing is right in light and in dark; there is
 * no style element and no style attribute in it, so a policy that forbids them holds; every text is put into the document
 * as text. Letters have 12 px at whatever width, so a figure is drawn for the width at which it is shown.
 */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"
import { lightColors } from "../render/reportStyle.ts"
import { visible } from "../render/visibleText.ts"
import type { Axis, Chart, Mark, Panel, Rows } from "./Chart.ts"
import { clipWidth, widthOf } from "./letterWidths.ts"
import { ticksOf, tickText } from "./ticks.ts"

/** What is needed of the document; there are no types of browsers here. */
interface Node {
  readonly childNodes: ArrayLike<Node>
  readonly attributes?: Iterable<{ readonly name: string; value: string }>
  readonly outerHTML: string
  textContent: string
  readonly setAttribute: (name: string, value: string) => void
  readonly removeAttribute: (name: string) => void
  readonly append: (...nodes: ReadonlyArray<Node>) => void
  readonly prepend: (...nodes: ReadonlyArray<Node>) => void
  readonly remove: () => void
  readonly querySelectorAll: (selector: string) => Iterable<Node>
}

const page = parseHTML("<html></html>").document as unknown as {
  readonly createElementNS: (namespace: string, name: string) => Node
}

const SVG = "http://www.w3.org/2000/svg"
const FONT_SIZE = 12
const ROW = 18
const TOP = 30

const colorOf = (series: number): string => `var(--series-${series % 6 + 1})`
const dashes = ["none", "8 3", "3 3", "9 3 3 3", "2 4", "14 4"]
const symbols = ["circle", "square", "triangle", "diamond", "times", "star"] as const

const isRows = (axis: Axis | Rows): axis is Rows => "names" in axis

/** The chart as one SVG element, `width` pixels wide. */
export const drawChart = (chart: Chart, width: number): string => {
  const legend = legendOf(chart, width)
  const left = Math.max(...chart.panels.map((panel) => leftOf(panel, width)))
  const drawn: Array<Node> = []
  let height = 4
  if (legend !== undefined) {
    drawn.push(moved(legend.node, height))
    height += legend.height
  }
  for (const panel of chart.panels) {
    drawn.push(moved(panelOf(panel, width, left), height))
    height += panel.height
  }
  const id = `${chart.id}-${width}`
  const root = page.createElementNS(SVG, "svg")
  const attributes = {
    "xmlns": SVG,
    "viewBox": `0 0 ${width} ${height}`,
    "width": String(width),
    "height": String(height),
    "role": "img",
    "aria-labelledby": `${id}-title ${id}-description`,
    "font-family": "system-ui, sans-serif",
    "font-size": String(FONT_SIZE),
    "fill": "currentColor"
  }
  for (const [name, value] of Object.entries(attributes)) root.setAttribute(name, value)
  root.append(
    named("title", `${id}-title`, chart.title),
    named("desc", `${id}-description`, chart.description),
    ...drawn
  )
  return root.outerHTML
}

/** A drawing as a file of its own: with a paper behind it and colours that need no page. */
export const fileOf = (svg: string): string =>
  Object.entries(lightColors).reduce(
    (text, [name, color]) => text.replaceAll(`var(${name})`, color),
    svg.replace(/^<svg /, `<svg color="${lightColors["--ink"]}" `).replace(
      "</desc>",
      `</desc><rect width="100%" height="100%" fill="${lightColors["--paper"]}"/>`
    )
  ) + "\n"

const named = (name: string, id: string, text: string): Node => {
  const node = page.createElementNS(SVG, name)
  node.setAttribute("id", id)
  node.textContent = visible(text)
  return node
}

/** Nested at a height, without what only a drawing that stands alone needs. */
const moved = (svg: Node, y: number): Node => {
  for (const style of Array.from(svg.querySelectorAll("style"))) style.remove()
  for (const name of ["class", "font-family", "font-size", "fill", "viewBox"]) svg.removeAttribute(name)
  svg.setAttribute("y", String(y))
  svg.setAttribute("overflow", "visible")
  for (const node of svg.querySelectorAll("*")) {
    node.removeAttribute("aria-label")
    node.removeAttribute("aria-hidden")
    for (const attribute of node.attributes ?? []) {
      if (geometric.has(attribute.name)) attribute.value = attribute.value.replaceAll(/-?\d+\.\d{2,}/g, shorter)
    }
  }
  return svg
}

const geometric = new Set(["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "r"])
const shorter = (number: string): string => String(Math.round(Number(number) * 10) / 10)

/** The room for the names of rows, or for the numbers of the axis. */
const leftOf = ({ y }: Panel, width: number): number =>
  isRows(y)
    ? Math.ceil(Math.min(width * 0.36, 14 + Math.max(0, ...y.names.map((name) => widthOf(visible(name))))))
    : 52

const panelOf = (panel: Panel, width: number, left: number): Node => {
  const { height, marks, x, y } = panel
  const right = 24
  const inner = width - left - right
  const xTicks = ticksOf(x, inner)
  const scaleOf = (axis: Axis) => ({ type: axis.log === true ? "log" : "linear", domain: [...axis.domain], axis: null })
  return Plot.plot({
    document: page as never,
    width,
    height,
    marginLeft: left,
    marginRight: right,
    marginTop: TOP,
    marginBottom: x.label === "" ? 24 : 40,
    x: scaleOf(x) as Plot.ScaleOptions,
    y: isRows(y)
      ? { type: "linear", domain: [Math.max(1, y.names.length) - 0.5, -0.5], axis: null }
      : scaleOf(y) as Plot.ScaleOptions,
    marks: [
      Plot.gridX(xTicks, { stroke: "var(--line)", strokeOpacity: 1 }),
      ...isRows(y)
        ? [
          Plot.ruleY(y.names.map((_, index) => index - 0.5).slice(1), {
            stroke: "var(--line)",
            strokeDasharray: "1 3"
          }),
          Plot.text(y.names.map((name, index) => ({ name: visible(name), index })), {
            frameAnchor: "left",
            textAnchor: "end",
            dx: -10,
            y: "index",
            text: ({ name }: { readonly name: string }) => clipWidth(name, left - 14),
            title: "name"
          })
        ]
        : yAxis(y, height),
      Plot.axisX(xTicks, { text: null, tickSize: 4, stroke: "var(--faint)", label: null }),
      // Not the axis' own: those of a logarithmic one are left out from 5 on.
      Plot.text(xTicks, {
        x: (value: number) => value,
        frameAnchor: "bottom",
        dy: 17,
        text: (value: number) => tickText(value, x.quantity)
      }),
      ...x.label === ""
        ? []
        : [
          Plot.text([`${x.label} →`], { frameAnchor: "bottom-right", dy: 34, textAnchor: "end", fill: "var(--faint)" })
        ],
      ...marks.flatMap((mark) => markOf(mark, !isRows(y)))
    ]
  }) as unknown as Node
}

const yAxis = (y: Axis, height: number) => {
  const ticks = ticksOf(y, height - 50, 34)
  return [
    Plot.gridY(ticks, { stroke: "var(--line)", strokeOpacity: 1 }),
    Plot.axisY(ticks, {
      tickFormat: (value: number) => tickText(value, y.quantity),
      tickSize: 4,
      stroke: "var(--faint)",
      fill: "currentColor",
      label: null
    }),
    Plot.text([`↑ ${clipWidth(visible(y.label), 260)}`], {
      frameAnchor: "top-left",
      lineAnchor: "bottom",
      dx: -48,
      dy: -11,
      textAnchor: "start",
      fill: "var(--faint)"
    })
  ]
}

const titled = (points: ReadonlyArray<{ readonly title?: string }>) =>
  points.some(({ title }) => title !== undefined)
    ? { title: ({ title }: { readonly title?: string }) => visible(title ?? "") }
    : {}

const markOf = (mark: Mark, hasHeight: boolean): ReadonlyArray<Plot.Markish> => {
  switch (mark._tag) {
    case "Line":
      return [Plot.line(mark.points, {
        x: "x",
        y: "y",
        curve: mark.stepped === true ? "step-after" : "linear",
        stroke: colorOf(mark.series),
        strokeWidth: 2,
        strokeDasharray: dashes[mark.series % 6]!
      })]
    case "Band":
      return [Plot.areaY(mark.points, {
        x: "x",
        y1: "low",
        y2: "high",
        curve: mark.stepped === true ? "step-after" : "linear",
        fill: colorOf(mark.series),
        fillOpacity: 0.18
      })]
    case "Dots":
      return [Plot.dot(mark.points, {
        x: "x",
        y: "y",
        r: mark.size === "small" ? 2 : 4.2,
        symbol: symbols[mark.series % 6]!,
        stroke: colorOf(mark.series),
        strokeWidth: mark.size === "small" ? 1 : 1.8,
        fill: mark.hollow === true ? "var(--paper)" : colorOf(mark.series),
        ...titled(mark.points)
      })]
    case "Ranges":
      return [
        Plot.link(mark.ranges, {
          x1: "from",
          x2: "to",
          y1: "y",
          y2: "y",
          stroke: colorOf(mark.series),
          strokeWidth: 2
        })
      ]
    case "Bars":
      return [Plot.rect(mark.bars, {
        x1: "from",
        x2: "to",
        y1: 0,
        y2: "y",
        fill: colorOf(mark.series),
        fillOpacity: 0.75,
        insetLeft: 0.5,
        ...titled(mark.bars)
      })]
    case "Rule":
      return mark.axis === "x"
        ? [
          Plot.ruleX([mark.at], { stroke: "currentColor", strokeDasharray: "4 3" }),
          ...mark.label === undefined ? [] : [Plot.text([mark.at], {
            x: (value: number) => value,
            frameAnchor: "top",
            dy: -9,
            text: () => visible(mark.label!)
          })]
        ]
        : [
          Plot.ruleY([mark.at], { stroke: "currentColor", strokeDasharray: hasHeight ? "4 3" : "none" }),
          ...mark.label === undefined ? [] : [Plot.text([mark.at], {
            y: (value: number) => value,
            frameAnchor: "right",
            textAnchor: "end",
            dy: -8,
            text: () => visible(mark.label!)
          })]
        ]
  }
}

/** Its entries beside each other, on as many lines as they need. */
const legendOf = ({ legend }: Chart, width: number): { readonly node: Node; readonly height: number } | undefined => {
  if (legend.length === 0) return undefined
  let x = 8
  let line = 0
  const placed = legend.map((entry) => {
    const full = visible(entry.label)
    const label = clipWidth(full, Math.min(width - 60, 400))
    const room = 30 + widthOf(label) + 16
    if (x > 8 && x + room > width) {
      x = 8
      line++
    }
    const place = { ...entry, label, full, x, y: 10 + line * ROW }
    x += room
    return place
  })
  const height = (line + 1) * ROW + 6
  const only = (kind: string) => placed.filter((entry) => entry.kind === kind)
  const node = Plot.plot({
    document: page as never,
    width,
    height,
    margin: 0,
    x: { type: "identity", axis: null } as unknown as Plot.ScaleOptions,
    y: { type: "identity", axis: null } as unknown as Plot.ScaleOptions,
    marks: [
      ...only("line").map((entry) =>
        Plot.link([entry], {
          x1: "x",
          x2: entry.x + 24,
          y1: "y",
          y2: "y",
          stroke: colorOf(entry.series),
          strokeWidth: 2,
          strokeDasharray: dashes[entry.series % 6]!
        })
      ),
      ...only("rule").map((entry) =>
        Plot.link([entry], {
          x1: entry.x + 12,
          x2: entry.x + 12,
          y1: entry.y - 7,
          y2: entry.y + 7,
          stroke: "currentColor",
          strokeDasharray: "4 3"
        })
      ),
      ...only("dot").map((entry) =>
        Plot.dot([entry], {
          x: entry.x + 12,
          y: "y",
          r: 4.2,
          symbol: symbols[entry.series % 6]!,
          stroke: colorOf(entry.series),
          strokeWidth: 1.8,
          fill: colorOf(entry.series)
        })
      ),
      ...[...only("bar"), ...only("band")].map((entry) =>
        Plot.rect([entry], {
          x1: entry.x + 4,
          x2: entry.x + 20,
          y1: entry.y - 5,
          y2: entry.y + 5,
          fill: colorOf(entry.series),
          fillOpacity: entry.kind === "band" ? 0.25 : 0.75
        })
      ),
      Plot.text(placed, { x: ({ x: at }) => at + 30, y: "y", text: "label", title: "full", textAnchor: "start" })
    ]
  }) as unknown as Node
  return { node, height }
}
