<?php
/** All posts sent in batches, newest first. What is done is kept, so that it can continue later. */

if ( ! defined( 'ABSPATH' ) ) {
	exit;
}

const ALSO_SEE_BATCH = 50;

/** `before`: only posts with lower numbers are left; 0 when nothing is under way. */
function also_see_progress(): array {
	$none = array( 'before' => 0, 'sent' => 0, 'refused' => 0, 'total' => 0 );
	return array_merge( $none, (array) get_option( 'also_see_progress', array() ) );
}

function also_see_start(): array {
	return array( 'before' => PHP_INT_MAX, 'sent' => 0, 'refused' => 0, 'total' => also_see_count_posts() );
}

function also_see_route_send( WP_REST_Request $request ) {
	$progress = also_see_progress();
	if ( $request['start'] || ! $progress['before'] ) {
		$progress = also_see_start();
	}
	$next     = also_see_send_batch( $progress );
	if ( is_wp_error( $next ) ) {
		return $next;
	}
	return array_merge(
		$next,
		array(
			'done'     => 0 === $next['before'],
			'sentence' => also_see_progress_sentence( $next ),
			'unsent'   => also_see_unsent_sentence(),
		)
	);
}

/** Send the next batch: the progress after it, or what went wrong. */
function also_see_send_batch( array $progress ) {
	add_filter( 'also_see_timeout', 'also_see_background_seconds' );
	update_option( 'also_see_progress', $progress, false );
	$posts = also_see_posts_before( $progress['before'] );
	if ( ! $posts ) {
		delete_option( 'also_see_progress' );
		return array_merge( $progress, array( 'before' => 0 ) );
	}
	$lines = array();
	foreach ( $posts as $post ) {
		$lines[] = wp_json_encode( array( 'id' => (string) $post->ID ) + also_see_article( $post ) );
	}
	$answer = also_see_answer( 'POST', 'articles', implode( "\n", $lines ), ALSO_SEE_BACKGROUND_SECONDS );
	if ( is_wp_error( $answer ) || 200 !== (int) wp_remote_retrieve_response_code( $answer ) ) {
		$sentence = also_see_connection_sentence( $answer );
		return new WP_Error( 'also_see', $sentence, array( 'status' => 502 ) );
	}
	foreach ( explode( "\n", trim( wp_remote_retrieve_body( $answer ) ) ) as $line ) {
		++$progress[ also_see_is_kept( (array) json_decode( $line, true ) ) ? 'sent' : 'refused' ];
	}
	$progress['before'] = end( $posts )->ID;
	update_option( 'also_see_progress', $progress, false );
	return $progress;
}

function also_see_background_seconds(): int {
	return ALSO_SEE_BACKGROUND_SECONDS;
}

/** Whether the service has the post of this line of its answer. A refused one is tried once more alone. */
function also_see_is_kept( array $result ): bool {
	$id = (int) ( $result['id'] ?? 0 );
	if ( in_array( $result['status'] ?? '', array( 'added', 'changed', 'unchanged' ), true ) ) {
		also_see_mark( $id, 'sent' );
		return true;
	}
	also_see_send( $id );
	return 'sent' === get_post_meta( $id, '_also_see', true );
}

function also_see_where(): string {
	global $wpdb;
	$types = also_see_post_types();
	$marks = implode( ', ', array_fill( 0, count( $types ), '%s' ) );
	return $wpdb->prepare( "post_status = 'publish' AND post_password = '' AND post_type IN ( $marks )", $types );
}

function also_see_count_posts(): int {
	global $wpdb;
	return (int) $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->posts WHERE " . also_see_where() );
}

/** The next batch by number, because a page of a query moves when a post is published meanwhile. */
function also_see_posts_before( int $id ): array {
	global $wpdb;
	$query = "SELECT ID FROM $wpdb->posts WHERE " . also_see_where() . ' AND ID < %d ORDER BY ID DESC LIMIT %d';
	$ids   = $wpdb->get_col( $wpdb->prepare( $query, $id, ALSO_SEE_BATCH ) );
	_prime_post_caches( $ids );
	return array_map( 'get_post', $ids );
}

function also_see_progress_sentence( array $progress ): string {
	/* translators: 1: posts sent, 2: all posts */
	$sentence = sprintf( __( '%1$d of %2$d posts sent.', 'also-see' ), $progress['sent'], $progress['total'] );
	if ( $progress['refused'] ) {
		/* translators: posts that the service refused */
		$sentence .= ' ' . sprintf( __( '%d refused: see the list of posts.', 'also-see' ), $progress['refused'] );
	}
	return $sentence;
}

/** Remember what became of a post: `sent`, `refused`, `waiting`, or nothing for one that is not public. */
function also_see_mark( int $id, string $state ): void {
	if ( '' === $state ) {
		delete_post_meta( $id, '_also_see' );
	} elseif ( get_post( $id ) ) {
		update_post_meta( $id, '_also_see', $state );
	}
}

function also_see_unsent_sentence(): string {
	global $wpdb;
	$waiting = (int) $wpdb->get_var( "SELECT COUNT(*) FROM $wpdb->postmeta WHERE meta_key = '_also_see' AND meta_value = 'waiting'" );
	if ( 0 === $waiting ) {
		return __( 'Nothing waits to be sent.', 'also-see' );
	}
	/* translators: a number of posts */
	return sprintf( _n( '%d post waits to be sent again.', '%d posts wait to be sent again.', $waiting, 'also-see' ), $waiting );
}

/** The column “Also See” of the list of posts. */
function also_see_column( array $columns ): array {
	return $columns + array( 'also_see' => 'Also See' );
}

function also_see_column_text( string $column, int $id ): void {
	$texts = array(
		'sent'    => __( 'Sent', 'also-see' ),
		'refused' => __( 'Refused', 'also-see' ),
		'waiting' => __( 'Waits to be sent', 'also-see' ),
	);
	if ( 'also_see' === $column ) {
		echo esc_html( $texts[ get_post_meta( $id, '_also_see', true ) ] ?? '—' );
	}
}

function also_see_columns(): void {
	foreach ( also_see_post_types() as $type ) {
		add_filter( "manage_{$type}_posts_columns", 'also_see_column' );
		add_action( "manage_{$type}_posts_custom_column", 'also_see_column_text', 10, 2 );
	}
}

add_action( 'admin_init', 'also_see_columns' );
