<?php
/**
 * Plugin Name: Also See
 * Description: Related articles from your own archive, by your own Also See service.
 * Version: 1.0.0
 * Requires at least: 6.1
 * Requires PHP: 7.4
 * License: Apache-2.0
 * Text Domain: also-see
 *
 * Settings → Also See has the service's address and key. Constants of wp-config.php go before them:
 *   define( 'ALSO_SEE_URL', 'https://related.your.site' );   as readers' browsers reach the service
 *   define( 'ALSO_SEE_KEY', 'as_…' );    alsosee keys create --scope ingest --scope look
 *   define( 'ALSO_SEE_SITE', 'main' );
 *   define( 'ALSO_SEE_INTERNAL_URL', 'http://10.0.0.5:8000' );  where this server reaches it, if elsewhere
 */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

require __DIR__ . '/includes/settings.php';
require __DIR__ . '/includes/send-all.php';
require __DIR__ . '/includes/sidebar.php';

const ALSO_SEE_RETRY_SECONDS   = 60;
const ALSO_SEE_TRIES           = 8;
const ALSO_SEE_TIMEOUT_SECONDS = 1;

const ALSO_SEE_BACKGROUND_SECONDS = 30;

function also_see_setting( string $name, string $otherwise = '' ): string {
	if ( defined( $name ) ) {
		return (string) constant( $name );
	}
	$stored = (array) get_option( 'also_see', array() );
	$value  = $stored[ strtolower( substr( $name, strlen( 'ALSO_SEE_' ) ) ) ] ?? '';
	return '' === $value ? $otherwise : $value;
}

/** The service as this server reaches it. */
function also_see_service(): string {
	return rtrim( also_see_setting( 'ALSO_SEE_INTERNAL_URL', also_see_setting( 'ALSO_SEE_URL' ) ), '/' );
}

/** The types of posts that the service has. */
function also_see_post_types(): array {
	return apply_filters( 'also_see_post_types', array( 'post' ) );
}

/** Whether readers may see this post, and the service may know of it. */
function also_see_is_public( WP_Post $post ): bool {
	return 'publish' === $post->post_status
		&& '' === $post->post_password
		&& in_array( $post->post_type, also_see_post_types(), true );
}

/** The post as the service stores it. */
function also_see_article( WP_Post $post ): array {
	$sections = wp_get_post_terms( $post->ID, 'category', array( 'fields' => 'names' ) );
	$tags     = wp_get_post_terms( $post->ID, 'post_tag', array( 'fields' => 'names' ) );
	$article  = array(
		'title'        => $post->post_title,
		'body'         => apply_filters( 'the_content', $post->post_content ),
		'url'          => get_permalink( $post ),
		'excerpt'      => $post->post_excerpt,
		'published_at' => get_post_time( DATE_ATOM, true, $post ),
		'updated_at'   => get_post_modified_time( DATE_ATOM, true, $post ),
		'section'      => is_array( $sections ) && $sections ? $sections[0] : null,
		'tags'         => is_array( $tags ) ? $tags : array(),
		'authors'      => array( get_the_author_meta( 'display_name', $post->post_author ) ),
		'language'     => substr( get_bloginfo( 'language' ), 0, 2 ),
	);
	$picture  = wp_get_attachment_image_src( get_post_thumbnail_id( $post ), 'medium_large' );
	if ( $picture ) {
		$article['image'] = array(
			'url'    => $picture[0],
			'width'  => $picture[1],
			'height' => $picture[2],
			'alt'    => (string) get_post_meta( get_post_thumbnail_id( $post ), '_wp_attachment_image_alt', true ),
		);
	}
	return apply_filters( 'also_see_article', $article, $post );
}

/** Store the post in the service, or delete it there; what fails is tried again by WP-Cron. */
function also_see_send( int $id, int $tries = 0 ): void {
	if ( '' === also_see_setting( 'ALSO_SEE_URL' ) || '' === also_see_setting( 'ALSO_SEE_KEY' ) ) {
		return;
	}
	$post   = get_post( $id );
	$public = $post && also_see_is_public( $post );
	$path   = 'articles/' . $id;
	$status = $public
		? also_see_request( 'PUT', $path, also_see_article( $post ) )
		: also_see_request( 'DELETE', $path );
	if ( 409 === $status && $public ) {
		$status = also_see_send_as_it_is_now( $id );
	}
	// 404: there was nothing to delete.
	if ( in_array( $status, array( 200, 201, 204, 404, 409 ), true ) ) {
		also_see_mark( $id, $public ? 'sent' : '' );
		return;
	}
	error_log( "Also See: post $id: status $status" );
	$later = 0 === $status || 429 === $status || $status >= 500;
	also_see_mark( $id, $later ? 'waiting' : 'refused' );
	if ( $later && $tries < ALSO_SEE_TRIES ) {
		$wait = ALSO_SEE_RETRY_SECONDS * 2 ** $tries;
		wp_schedule_single_event( time() + $wait, 'also_see_send', array( $id, $tries + 1 ) );
	}
}

/**
 * WordPress keeps the time of the last change when a post is restored from the trash, and the service
 * refuses an article that is older than its deletion. The post in the database is always the right one,
 * so it is read again and sent without that time.
 */
function also_see_send_as_it_is_now( int $id ): int {
	clean_post_cache( $id );
	$post = get_post( $id );
	if ( ! $post || ! also_see_is_public( $post ) ) {
		return also_see_request( 'DELETE', 'articles/' . $id );
	}
	$article = also_see_article( $post );
	unset( $article['updated_at'] );
	return also_see_request( 'PUT', 'articles/' . $id, $article );
}

/** The status of the service's answer; 0 when there was none. An editor waits for it. */
function also_see_request( string $method, string $path, ?array $body = null ): int {
	static $is_away = false;
	// An editor who changes fifty posts at once waits for one of them; cron sends the others.
	if ( $is_away && ! wp_doing_cron() ) {
		return 0;
	}
	$text    = null === $body ? null : wp_json_encode( $body );
	$wait    = wp_doing_cron() ? ALSO_SEE_BACKGROUND_SECONDS : ALSO_SEE_TIMEOUT_SECONDS;
	$answer  = also_see_answer( $method, $path, $text, apply_filters( 'also_see_timeout', $wait ) );
	$is_away = is_wp_error( $answer );
	return $is_away ? 0 : (int) wp_remote_retrieve_response_code( $answer );
}

/** The service's answer, or a WP_Error. */
function also_see_answer( string $method, string $path, ?string $body, int $seconds ) {
	$site    = also_see_setting( 'ALSO_SEE_SITE', 'main' );
	$request = array(
		'method'  => $method,
		'timeout' => $seconds,
		'headers' => array(
			'Authorization' => 'Bearer ' . also_see_setting( 'ALSO_SEE_KEY' ),
			'Content-Type'  => 'application/json',
		),
	);
	if ( null !== $body ) {
		$request['body'] = $body;
	}
	return wp_remote_request( also_see_service() . "/v1/$site/$path", $request );
}

/** After a post was saved with all its terms; revisions and autosaves are no posts. */
function also_see_saved( int $id, WP_Post $post, bool $update, ?WP_Post $before ): void {
	if ( wp_is_post_revision( $id ) || wp_is_post_autosave( $id ) ) {
		return;
	}
	if ( also_see_is_public( $post ) || ( $before && also_see_is_public( $before ) ) ) {
		also_see_send( $id );
	}
}

/** Before a post is deleted for good, when it is still known whether it was public. */
function also_see_deleted( int $id, WP_Post $post ): void {
	if ( also_see_is_public( $post ) ) {
		wp_schedule_single_event( time(), 'also_see_send', array( $id, 0 ) );
	}
}

/** [also_see layout="list" limit="5"]: the box, wherever a theme, a widget or a block takes a shortcode. */
function also_see_box( $attributes = array() ): string {
	if ( '' === also_see_setting( 'ALSO_SEE_URL' ) ) {
		return '';
	}
	wp_enqueue_script( 'also-see' );
	$attributes = (array) $attributes;
	$attributes = array_merge(
		array( 'site' => also_see_setting( 'ALSO_SEE_SITE', 'main' ) ),
		is_singular() ? array( 'article' => (string) get_the_ID() ) : array( 'list' => 'recent' ),
		$attributes
	);
	$html = '<also-see';
	foreach ( $attributes as $name => $value ) {
		if ( preg_match( '/^[a-z_-]+$/', (string) $name ) ) {
			$html .= ' ' . str_replace( '_', '-', $name ) . '="' . esc_attr( $value ) . '"';
		}
	}
	return $html . '></also-see>';
}

/**
 * Under every post that the service has, unless it has a box already, or a theme has
 * `add_filter( 'also_see_under_posts', '__return_false' )`.
 */
function also_see_under_posts( string $content ): string {
	$post = get_post();
	$here = $post && also_see_is_public( $post ) && is_singular() && in_the_loop() && is_main_query();
	$here = $here && ! has_shortcode( $post->post_content, 'also_see' );
	return $here && apply_filters( 'also_see_under_posts', true ) ? $content . also_see_box() : $content;
}

function also_see_register(): void {
	$script = rtrim( also_see_setting( 'ALSO_SEE_URL' ), '/' ) . '/widget.js';
	wp_register_script( 'also-see', $script, array(), null, array( 'strategy' => 'async' ) );
}

add_action( 'wp_after_insert_post', 'also_see_saved', 10, 4 );
add_action( 'before_delete_post', 'also_see_deleted', 10, 2 );
add_action( 'also_see_send', 'also_see_send', 10, 2 );
add_action( 'init', 'also_see_register' );
add_shortcode( 'also_see', 'also_see_box' );
add_filter( 'the_content', 'also_see_under_posts', 20 );
