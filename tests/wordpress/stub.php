<?php
// As much of WordPress as the plugin calls: posts in memory, requests to standard output.
define( 'ABSPATH', '/' );
class WP_Post {
	public $ID = 7, $post_type = 'post', $post_status = 'publish', $post_password = '', $post_author = 3;
	public $post_title = 'Flag over "Sudzha" & Kursk', $post_excerpt = '';
	public $post_content = '<p>A video showed troops.</p><!-- wp:html --><b>Bold</b>';
	public function __construct( array $fields = array() ) {
		foreach ( $fields as $name => $value ) { $this->$name = $value; }
	}
}
$posts = array(); $hooks = array(); $filters = array(); $singular = true;
function add_action( $name, $call, $priority = 10, $arguments = 1 ) { $GLOBALS['hooks'][ $name ] = $call; }
function add_filter( $name, $call, $priority = 10 ) { $GLOBALS['filters'][ $name ] = $call; }
function add_shortcode( $name, $call ) { $GLOBALS['hooks'][ $name ] = $call; }
function apply_filters( $name, $value ) { return $value; }
function get_option( $name, $otherwise ) { return $otherwise; }
function update_post_meta( $id, $name, $value ) {}
function delete_post_meta( $id, $name ) {}
function wp_doing_cron() { return defined( 'DOING_CRON' ); }
function has_shortcode( $content, $name ) { return false !== strpos( $content, "[$name" ); }
function clean_post_cache( $id ) {}
function get_post( $id = 7 ) { return $GLOBALS['posts'][ $id ] ?? null; }
function get_the_ID() { return 7; }
function is_singular( $type = '' ) { return $GLOBALS['singular']; }
function in_the_loop() { return true; }
function is_main_query() { return true; }
function wp_is_post_revision( $id ) { return false; }
function wp_is_post_autosave( $id ) { return false; }
function wp_get_post_terms( $id, $taxonomy, $arguments ) {
	return 'category' === $taxonomy ? array( 'World', 'Europe' ) : array( 'Kursk', 'Ukraine' );
}
function get_permalink( $post ) { return 'https://news.example/?p=' . $post->ID; }
function get_post_time( $format, $gmt, $post ) { return '2025-03-13T07:12:44+00:00'; }
function get_post_modified_time( $format, $gmt, $post ) { return '2025-03-13T08:00:00+00:00'; }
function get_the_author_meta( $name, $id ) { return 'Ana Ruiz'; }
function get_bloginfo( $name ) { return 'en-GB'; }
function get_post_thumbnail_id( $post ) { return 9; }
function get_post_meta( $id, $name, $single ) { return 'A flag'; }
function wp_get_attachment_image_src( $id, $size ) { return array( 'https://news.example/a.jpg', 768, 432, true ); }
function wp_json_encode( $value ) { return json_encode( $value ); }
function wp_remote_request( $url, $request ) {
	echo json_encode( array( 'url' => $url ) + $request ), "\n";
	return array( 'status' => (int) getenv( 'ANSWER' ) );
}
function is_wp_error( $answer ) { return 0 === $answer['status']; }
function wp_remote_retrieve_response_code( $answer ) { return $answer['status']; }
function wp_schedule_single_event( $time, $hook, $arguments ) {
	echo json_encode( array( 'again' => $time - time(), 'arguments' => $arguments ) ), "\n";
}
function wp_register_script( $name, $url, $needs, $version, $options ) { echo json_encode( array( 'script' => $url ) + $options ), "\n"; }
function wp_enqueue_script( $name ) {}
function esc_attr( $text ) { return htmlspecialchars( $text, ENT_QUOTES ); }
require $argv[1];
function happens( string $hook, ...$arguments ) { return $GLOBALS['hooks'][ $hook ]( ...$arguments ); }
eval( stream_get_contents( STDIN ) );
