/** The version of this package, as agents and the command say it. A test holds it equal to package.json. */
export const version = "0.1.0"
