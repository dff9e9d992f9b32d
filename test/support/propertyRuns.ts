/**
 * How many cases each property is tried on: 1000, or as many as the environment variable `PROPERTY_RUNS` says.
 *
 * The one place for it: every property of the model hands `runs` to `it.prop`.
 */
const wanted = process.env["PROPERTY_RUNS"] ?? "1000"
if (!/^[1-9]\d*$/.test(wanted)) throw new Error(`PROPERTY_RUNS is no number of cases: ${wanted}`)

/** The last argument of `it.prop` and `it.effect.prop`. Slow ones take 5 ms for a case; a machine may be busy. */
export const runs = {
  arbitrary: { runs: Number(wanted) },
  timeout: Math.max(60_000, 50 * Number(wanted))
}
