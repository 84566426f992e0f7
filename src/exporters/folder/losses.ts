import type { Loss } from '../../model/export.ts';

export const LOSSES: readonly Loss[] = [
  { id: 'negative-concepts', what: 'Negative concepts', instead: 'Left out' },
  {
    id: 'concept-names',
    what: 'Names of concepts that differ from their ids',
    instead: 'Their ids are the labels',
  },
  {
    id: 'whole-annotations',
    what: 'Annotations with concepts alone',
    instead: 'Their concepts are labels of the input',
  },
  {
    id: 'more-concepts',
    what: 'Second and further concepts of a region',
    instead: 'The first is its category',
  },
  { id: 'outlines', what: 'Polygons and masks', instead: 'The box around them' },
  { id: 'points', what: 'Points and key points', instead: 'Left out' },
  {
    id: 'places',
    what: 'Frames, segments, text spans, and regions in what has no size in pixels',
    instead: 'Left out',
  },
  {
    id: 'annotation-details',
    what: 'Scores, texts, tracks, statuses, annotators, times, metadata and info of annotations',
    instead: 'Left out',
  },
  {
    id: 'metadata-types',
    what: 'Metadata that are objects, lists or of several types, and more than 200 different keys',
    instead: 'The JSON of the value as a text; of more than 200 keys one text with all',
  },
  {
    id: 'metadata-names',
    what: 'Metadata keys that are columns already, or that the library would take for files',
    instead: 'A column of that name with _ after it',
  },
];
