import { Controller, Get } from '@nestjs/common';
import { Public } from '../auth/access';
import { API_VERSION } from '../config/api-version';
import { openApiDocument } from './openapi-document';

@Public()
@Controller('api')
export class OpenApiController {
  private readonly document = openApiDocument(API_VERSION);

  @Get('openapi.json')
  get(): object {
    return this.document;
  }
}
