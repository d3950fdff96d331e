// Checks objects of the Prometheus operator against its schemas: a JSON array of them on standard
// input. Run as text in the folder of the packages, from where they are found.
import * as models from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import { text } from 'node:stream/consumers';

let wrong = 0;
for (const object of JSON.parse(await text(process.stdin))) {
    const name = `${object.kind} ${object.metadata?.name}`;
    try {
        new models[object.kind](object).validate();
        console.log(`${name}: ok`);
    } catch (error) {
        wrong += 1;
        console.log(`${name}: ${error.message}`);
    }
}
process.exitCode = wrong ? 1 : 0;
