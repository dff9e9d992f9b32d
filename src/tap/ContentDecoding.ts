/**
 * Reads a compressed body aside, as it passes (adapter for node:zlib).
 *
 * What has been decoded is told at once, not when a block is full: an event that the engine flushed is an event. The end
 * is told after everything before it, somewhat later than the bytes' own.
 */
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib"

export interface Decoding {
  readonly write: (bytes: Buffer) => void
  readonly end: () => void
  /** Nothing more is told. */
  readonly stop: () => void
}

/** A reader of bodies in this `Content-Encoding`; none where it is not known, or is several. */
export const decoding = (
  encoding: string,
  { onData, onEnd }: { readonly onData: (bytes: Buffer) => void; readonly onEnd: () => void }
): Decoding | undefined => {
  const make = decoders[encoding.trim().toLowerCase()]
  if (make === undefined) return undefined
  const decoder = make()
  decoder.on("data", onData)
  // What cannot be decoded is not for us to judge: the client gets it as it is.
  decoder.on("error", onEnd)
  decoder.on("end", onEnd)
  return {
    write: (bytes) => void decoder.write(bytes),
    end: () => void decoder.end(),
    stop: () => {
      decoder.off("data", onData)
      decoder.off("end", onEnd)
      decoder.destroy()
    }
  }
}

const gunzip = () => createGunzip({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH })

const decoders: Readonly<Record<string, () => ReturnType<typeof createGunzip>>> = {
  gzip: gunzip,
  "x-gzip": gunzip,
  deflate: () => createInflate({ flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress()
}
