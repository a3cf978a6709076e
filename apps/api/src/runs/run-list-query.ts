import { runStateSchema, storableText } from '@millrace/contracts';
import { pageQuerySchema } from '../boundary/http/parse-query';

/** Which runs a list holds; the same over REST and gRPC. */
export const runListQuerySchema = pageQuerySchema.extend({
  state: runStateSchema.optional(),
  name: storableText.min(1).max(128).optional(),
});
