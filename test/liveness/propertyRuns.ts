/**
 * How many cases each property is tried on: 1000, or as many as the environment variable `PROPERTY_RUNS` says.
 *
 * The one place for it: every property test of liveness hands `runs` to `it.prop`.
 */
const wanted = process.env["PROPERTY_RUNS"] ?? "1000"
if (!/^[1-9]\d*$/.test(wanted)) throw new Error(`PROPERTY_RUNS is no number of cases: ${wanted}`)

/** For a property that takes more than one case to mean anything, such as one that samples by itself. */
export const propertyRuns = Number(wanted)

/** The last argument of `it.prop` and `it.effect.prop`; a minute for every 2000 cases, and never less. */
export const runs = {
  arbitrary: { runs: propertyRuns },
  timeout: Math.max(60_000, 30 * propertyRuns)
}
