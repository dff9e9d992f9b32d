/**
 * What a figure shows, in a vocabulary of our own: panels above each other, each with two axes and marks.
 *
 * A series has a place in the order of colours, dashes and symbols, all three of which tell it from the others, so that a
 * figure is read without colour. Nothing here knows how it is drawn.
 */

/** From 0 to 5; colour, dash and symbol follow from it. */
export type Series = number

export interface Point {
  readonly x: number
  readonly y: number
  /** Shown to whoever points at it. */
  readonly title?: string
}

export type Mark =
  | {
    readonly _tag: "Line"
    readonly series: Series
    readonly points: ReadonlyArray<Point>
    readonly stepped?: boolean
  }
  /** Between two curves. */
  | {
    readonly _tag: "Band"
    readonly series: Series
    readonly points: ReadonlyArray<{ readonly x: number; readonly low: number; readonly high: number }>
    readonly stepped?: boolean
  }
  /** `hollow` where a value rests on little. */
  | {
    readonly _tag: "Dots"
    readonly series: Series
    readonly points: ReadonlyArray<Point>
    readonly hollow?: boolean
    readonly size?: "small"
  }
  /** From one value to another, at a height. */
  | {
    readonly _tag: "Ranges"
    readonly series: Series
    readonly ranges: ReadonlyArray<{ readonly from: number; readonly to: number; readonly y: number }>
  }
  /** Rectangles that stand on 0. */
  | {
    readonly _tag: "Bars"
    readonly series: Series
    readonly bars: ReadonlyArray<
      { readonly from: number; readonly to: number; readonly y: number; readonly title?: string }
    >
  }
  /** Across the panel at a value, with words beside it. */
  | { readonly _tag: "Rule"; readonly axis: "x" | "y"; readonly at: number; readonly label?: string }

/** How numbers of an axis are written. `millis` chooses the unit. */
export type Quantity = "number" | "share" | "millis" | "hours"

export interface Axis {
  /** Empty where the panel below says it. */
  readonly label: string
  readonly quantity: Quantity
  readonly log?: boolean
  readonly domain: readonly [number, number]
}

/** Rows with a name each, the first at the top: its place is its number from 0. */
export interface Rows {
  readonly names: ReadonlyArray<string>
}

export interface Panel {
  readonly height: number
  readonly x: Axis
  readonly y: Axis | Rows
  readonly marks: ReadonlyArray<Mark>
}

export interface Chart {
  /** A name for the parts of the SVG that refer to each other: small letters and hyphens. */
  readonly id: string
  readonly title: string
  readonly description: string
  readonly legend: ReadonlyArray<
    { readonly series: Series; readonly label: string; readonly kind: "line" | "dot" | "bar" | "band" | "rule" }
  >
  readonly panels: ReadonlyArray<Panel>
}
