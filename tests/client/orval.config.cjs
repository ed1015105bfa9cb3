// The address of the server is a constant of the generated client; the test passes its own.
module.exports = {
  photofeed: {
    input: { target: "./openapi.json" },
    output: { target: "./orval/api.ts", client: "fetch", mode: "split", baseUrl: process.env.SERVER_URL },
  },
};
