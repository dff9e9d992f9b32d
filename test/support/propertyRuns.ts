/** How many cases a property gets: 1000, or as many as the environment says. */
export const runs = { arbitrary: { runs: Number(process.env["PROPERTY_RUNS"] ?? 1000) } }
