/**
 * Everything that a probe of an engine has measured, before anything is concluded from it. Times are milliseconds of the
 * monotonic clock.
 */
import type { EngineAnswer } from "./EngineAnswer.ts"
import type { TellingPath } from "./EngineIdentity.ts"
import type { EngineLook } from "./EngineLook.ts"
import type { EngineStream, Purpose } from "./EngineStream.ts"

export interface EngineMeasurements {
  /** The address of the OpenAI-compatible API, with its `/v1`. */
  readonly url: string
  /** Whether there was a key to send. */
  readonly keyed: boolean
  /** The model that was asked for; `null` where there is none. */
  readonly model: string | null
  readonly models: EngineAnswer | undefined
  /** The same without the key; only asked if there is one. */
  readonly modelsWithoutKey: EngineAnswer | undefined
  readonly health: EngineAnswer | undefined
  readonly answers: Readonly<Partial<Record<TellingPath, EngineAnswer>>>
  /** In their order. */
  readonly streams: ReadonlyArray<EngineStream>
  readonly looks: ReadonlyArray<EngineLook>
  /** About how many tokens the long prompt had; 0 where it was not sent. */
  readonly promptTokens: number
  /** The longest time for which this process itself stood still meanwhile; milliseconds. */
  readonly ownPauseMillis: number
  /** The time for the whole probe was over before it was done. */
  readonly cutShort: boolean
}

/** The last stream that was for this. */
export const streamFor = (measured: EngineMeasurements, purpose: Purpose): EngineStream | undefined =>
  measured.streams.findLast((stream) => stream.purpose === purpose)
