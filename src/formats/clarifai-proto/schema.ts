/**
 * The messages of `clarifai/api/resources.proto` that an input is made of, under their names in proto3 JSON. Fields that
 * we neither write nor read are not listed; reading skips them.
 */
export interface MessageType {
  readonly name: string;
  /** By ascending number, the order of the canonical encoding. */
  readonly fields: readonly Field[];
}

/**
 * `bytes` are base64 in a message, as in JSON. `media` is a bytes field whose content stays outside of the message.
 * `floats` are packed and only written.
 */
export type Scalar = 'string' | 'bytes' | 'media' | 'float' | 'floats' | 'uint32' | 'visibility' | 'struct';

export interface Field {
  readonly name: string;
  readonly number: number;
  /** Message types refer to each other in circles, so they are looked up late. */
  readonly type: Scalar | (() => MessageType);
  readonly repeated?: true;
}

/** `Point.Visibility` by number. */
export const VISIBILITY_NAMES = ['NOT_SET', 'VISIBLE', 'NOT_VISIBLE', 'NOT_PRESENT'] as const;

type Spec = Record<string, readonly [number: number, type: Field['type'], repeated?: 'repeated']>;

function message(name: string, spec: Spec): MessageType {
  const fields = Object.entries(spec).map(
    ([field, [number, type, repeated]]): Field => ({
      name: field,
      number,
      type,
      ...(repeated === undefined ? {} : { repeated: true }),
    }),
  );
  return { name, fields };
}

const HOSTED = message('HostedURL', {
  prefix: [1, 'string'],
  suffix: [2, 'string'],
  sizes: [3, 'string', 'repeated'],
});
const IMAGE_INFO = message('ImageInfo', {
  width: [1, 'uint32'],
  height: [2, 'uint32'],
  format: [3, 'string'],
});
const VIDEO_INFO = message('VideoInfo', {
  width: [1, 'uint32'],
  height: [2, 'uint32'],
  fps: [3, 'float'],
  videoFormat: [4, 'string'],
  frameCount: [6, 'uint32'],
  durationSeconds: [7, 'float'],
});
const AUDIO_INFO = message('AudioInfo', {
  audioFormat: [1, 'string'],
  sampleRate: [2, 'uint32'],
  durationSeconds: [3, 'float'],
});
const IMAGE = message('Image', {
  url: [1, 'string'],
  base64: [2, 'media'],
  hosted: [5, () => HOSTED],
  imageInfo: [6, () => IMAGE_INFO],
});
const VIDEO = message('Video', {
  url: [1, 'string'],
  base64: [2, 'media'],
  hosted: [6, () => HOSTED],
  videoInfo: [7, () => VIDEO_INFO],
});
const AUDIO = message('Audio', {
  url: [1, 'string'],
  base64: [2, 'media'],
  hosted: [5, () => HOSTED],
  audioInfo: [6, () => AUDIO_INFO],
});
const TEXT = message('Text', { raw: [1, 'string'], url: [2, 'string'], hosted: [4, () => HOSTED] });
const KEYPOINT_INFO = message('KeypointInfo', { keypointNames: [1, 'string', 'repeated'] });
const CONCEPT = message('Concept', {
  id: [1, 'string'],
  name: [2, 'string'],
  value: [3, 'float'],
  keypointInfo: [11, () => KEYPOINT_INFO],
});
const GEO_POINT = message('GeoPoint', { longitude: [1, 'float'], latitude: [2, 'float'] });
const GEO = message('Geo', { geoPoint: [1, () => GEO_POINT] });
const EMBEDDING = message('Embedding', { vector: [1, 'floats'], numDimensions: [2, 'uint32'] });
const BOUNDING_BOX = message('BoundingBox', {
  topRow: [1, 'float'],
  leftCol: [2, 'float'],
  bottomRow: [3, 'float'],
  rightCol: [4, 'float'],
});
const MASK_IMAGE = message('Image', { url: [1, 'string'], base64: [2, 'bytes'] });
const MASK = message('Mask', { image: [2, () => MASK_IMAGE] });
const POINT = message('Point', {
  row: [1, 'float'],
  col: [2, 'float'],
  z: [3, 'float'],
  visibility: [4, 'visibility'],
});
const POLYGON = message('Polygon', { points: [1, () => POINT, 'repeated'] });
const SPAN = message('Span', { charStart: [1, 'uint32'], charEnd: [2, 'uint32'], rawText: [3, 'string'] });
const REGION_INFO = message('RegionInfo', {
  boundingBox: [1, () => BOUNDING_BOX],
  mask: [4, () => MASK],
  polygon: [5, () => POLYGON],
  point: [6, () => POINT],
  span: [7, () => SPAN],
  token: [8, () => SPAN],
  keypointLocations: [9, () => POINT, 'repeated'],
});
/** The data of a region, frame or segment: without media of its own. */
const PART_DATA: MessageType = message('Data', {
  concepts: [3, () => CONCEPT, 'repeated'],
  metadata: [5, 'struct'],
  geo: [6, () => GEO],
  regions: [11, () => REGION, 'repeated'],
  text: [13, () => TEXT],
});
const REGION = message('Region', {
  id: [1, 'string'],
  regionInfo: [2, () => REGION_INFO],
  data: [3, () => PART_DATA],
  value: [4, 'float'],
  trackId: [5, 'string'],
});
const FRAME_INFO = message('FrameInfo', { index: [1, 'uint32'], time: [2, 'uint32'], number: [3, 'uint32'] });
const FRAME = message('Frame', {
  frameInfo: [1, () => FRAME_INFO],
  data: [2, () => PART_DATA],
  id: [3, 'string'],
});
const TIME_INFO = message('TimeInfo', {
  numFrames: [1, 'uint32'],
  beginTime: [4, 'float'],
  endTime: [5, 'float'],
});
const TIME_SEGMENT = message('TimeSegment', {
  id: [1, 'string'],
  data: [2, () => PART_DATA],
  timeInfo: [3, () => TIME_INFO],
});
const DATA = message('Data', {
  image: [1, () => IMAGE],
  video: [2, () => VIDEO],
  concepts: [3, () => CONCEPT, 'repeated'],
  metadata: [5, 'struct'],
  geo: [6, () => GEO],
  embeddings: [9, () => EMBEDDING, 'repeated'],
  regions: [11, () => REGION, 'repeated'],
  frames: [12, () => FRAME, 'repeated'],
  text: [13, () => TEXT],
  audio: [14, () => AUDIO],
  timeSegments: [16, () => TIME_SEGMENT, 'repeated'],
});

/** An element of `InputBatch.inputs`, which has the number 1. */
export const INPUT = message('Input', { id: [1, 'string'], data: [2, () => DATA] });
export const INPUTS_FIELD = 1;
