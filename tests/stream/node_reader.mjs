// npm's eventsource: node node_reader.mjs MODULE URL COUNT. Prints COUNT messages as JSON, each [lastEventId, data].
import { createRequire } from 'node:module';

const [folder, url, count] = process.argv.slice(2);
const { EventSource } = createRequire(folder + '/')('eventsource');
const seen = [];
const source = new EventSource(url);
source.onmessage = (event) => {
  seen.push([event.lastEventId, event.data]);
  if (seen.length === Number(count)) {
    console.log(JSON.stringify(seen));
    process.exit(0);
  }
};
setTimeout(() => process.exit(1), 20000);
