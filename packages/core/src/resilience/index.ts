export { bulkhead } from "./decorators/bulkhead.js";
export { chaos } from "./decorators/chaos.js";
export { degrade, type DegradeDecorator } from "./decorators/degrade.js";
export { handled } from "./decorators/handled.js";
export { hedge, type HedgeDecorator } from "./decorators/hedge.js";
export { rateLimit } from "./decorators/rate-limit.js";
export { retry } from "./decorators/retry.js";
export { timeout, type TimeoutReason } from "./decorators/timeout.js";
export { Bulkheads, type BulkheadStatus } from "./limits/bulkheads.js";
export { ChaosSource, isChaosError } from "./chaos.js";
export { CircuitBreakers, type BreakerStatus, type BreakerSummary } from "./breaker/circuit-breakers.js";
export type { SavedBreaker, SavedBreakers } from "./breaker/saved-breakers.js";
export type { BackoffStrategy, Jitter } from "./retry/backoff.js";
export { classifyError } from "./classification/classify-error.js";
export type { Classified, ErrorClass } from "./classification/error-class.js";
export { ErrorClassifier } from "./classification/error-classifier.js";
export type { ErrorRule } from "./classification/error-rule.js";
export {
  errorConditionsSchema,
  errorMatcher,
  type ErrorCondition,
  type ErrorConditions,
  type ErrorPredicate,
} from "./classification/error-condition.js";
export type { BulkheadReason } from "./limits/bulkhead.js";
export { Breaker, REJECTED, type Ticket } from "./breaker/breaker.js";
export type { BreakerListener, CloseReason, OpenReason } from "./breaker/breaker-changes.js";
export type { BreakerMode, BreakerPolicy } from "./breaker/breaker-policy.js";
export type { FallbackFunction } from "./fallback/fallback.js";
export { ErrorHandler, type ErrorContext, type HandledError } from "./handling/error-handler.js";
export { withErrorHandling, type ErrorHandlingWrapOptions } from "./handling/with-error-handling.js";
export type { BreakerState } from "./breaker/opossum-state.js";
export type { BreakerOptions, SlowCallOptions } from "./options/breaker.js";
export type { DegradeOptions } from "./options/degrade.js";
export type { BulkheadOptions } from "./options/bulkhead.js";
export type { ChaosFunction, ChaosOptions } from "./options/chaos.js";
export type { HandledOptions } from "./options/handled.js";
export type { HedgeOptions, Percentile } from "./options/hedge.js";
export type { RateLimitKey, RateLimitOptions } from "./options/rate-limit.js";
export type { RetryBudgetOptions } from "./options/retry-budget.js";
export type { RetryOptions } from "./options/retry.js";
export type { TimeoutOptions } from "./options/timeout.js";
export { RateLimiters, type RateLimiterStatus } from "./limits/rate-limiters.js";
export { STALE_ANSWERS, type FailedCall, type StaleAnswers } from "./fallback/stale-answers.js";
export type { GiveUpReason } from "./retry/retry.js";
export type { BackoffFunction } from "./retry/retry-delay.js";
export { resiliencePlugin } from "./plugin.js";
