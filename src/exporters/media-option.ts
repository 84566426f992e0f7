/** Of the option `media`, of which each format takes some values. */
export const MEDIA_HELP =
  'Where the media go: embed (into the archive or the tables), files (beside them), hosted (only an address of each), none';
