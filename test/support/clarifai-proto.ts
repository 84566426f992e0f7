import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

interface MessageType {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  fromObject(object: object): object;
  toObject(message: object, options: object): Record<string, unknown>;
}

/** `InputBatch` of the platform's own .proto files, as protobufjs reads them. */
export const inputBatchType: MessageType = (() => {
  const require = createRequire(import.meta.url);
  const packageFolder = dirname(dirname(require.resolve('clarifai-nodejs-grpc')));
  const ofLoader = createRequire(require.resolve('@grpc/proto-loader'));
  // Imports in the .proto files are relative to the package; google/ comes with protobufjs.
  const protobufjs = ofLoader('protobufjs') as {
    Root: new () => {
      resolvePath: (origin: string, target: string) => string;
      loadSync(file: string): { lookupType(name: string): MessageType };
    };
  };
  const google = dirname(ofLoader.resolve('protobufjs/package.json'));
  const root = new protobufjs.Root();
  root.resolvePath = (_, target) => join(target.startsWith('google/') ? google : packageFolder, target);
  return root.loadSync('proto/clarifai/api/resources.proto').lookupType('clarifai.api.InputBatch');
})();
