/**
 * What the package bench has measured: pure.
 */
import { median } from "../support/statistics.ts"

/** One fresh process that has loaded Effect's own first modules, and then this one. */
export interface Loaded {
  readonly millis: number
  /** What the heap has grown by, after garbage was collected. */
  readonly heapBytes: number
  /** How many modules came with it. */
  readonly modules: number
  /** The other packages among them, but Effect. */
  readonly packages: ReadonlyArray<string>
}

export interface Imported {
  /** What is imported, as in `a2a-campaign/Liveness`. */
  readonly specifier: string
  readonly loaded: ReadonlyArray<Loaded>
}

export interface Installed {
  readonly name: string
  /** Of its files, in blocks of the disk. */
  readonly bytes: number
}

export interface Measured {
  readonly packedBytes: number
  /** The largest first. */
  readonly installed: ReadonlyArray<Installed>
  readonly imports: ReadonlyArray<Imported>
}

/** Of each import the medians. */
export const summarize = ({ imports }: Pick<Measured, "imports">) =>
  imports.map(({ loaded, specifier }) => ({
    specifier,
    millis: median(loaded.map(({ millis }) => millis)),
    heapBytes: median(loaded.map(({ heapBytes }) => heapBytes)),
    modules: loaded[0]!.modules,
    packages: loaded[0]!.packages
  }))
